"""A cluster that is a folder of YAML files: offline planning, demos, and rendered manifests that others apply.

``tree`` reads the folder, ``text`` is the YAML, ``layout`` writes files, ``merge`` stands in for an API server's merge.
"""
