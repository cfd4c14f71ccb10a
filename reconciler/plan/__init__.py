"""Desired against live: what would change, in which order, what is withheld. Pure; ``build.build_plan`` is the door."""
