"""Existing objects to neutral documents. ``reading`` gets them, ``proof`` decides, ``documents`` writes.

An importer only proposes. What it proposes is compiled, and what does not come back meaning what it meant is taken back
and kept as an object, so an import never changes what a mesh does.
"""
