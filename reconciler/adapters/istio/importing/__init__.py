"""From objects of the mesh to neutral documents. One module for each kind; ``proposals`` puts them together.

Each raises Unsayable for what no neutral field covers. Beside it ``meaning`` says when two sets of objects are equal.
"""

from reconciler.adapters.istio.importing.proposals import importer

__all__ = ["importer"]
