"""From routes to Services to neutral documents. Beside it ``meaning`` says when two sets of objects are equal."""

from reconciler.adapters.standard.importing.proposals import importer

__all__ = ["importer"]
