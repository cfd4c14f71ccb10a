"""From VirtualServices and their VirtualRouters to neutral documents. Beside it ``meaning`` says when two sets of
objects are equal."""

from reconciler.adapters.appmesh.importing.proposals import importer

__all__ = ["importer"]
