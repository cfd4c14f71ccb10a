"""The daemon: repeats the pipeline on a schedule. It decides when, never what."""
