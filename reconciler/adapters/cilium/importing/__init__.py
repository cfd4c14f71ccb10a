"""From routes and network policies to neutral documents. Beside it ``meaning`` says when sets of objects are equal."""

from reconciler.adapters.cilium.importing.proposals import importer

__all__ = ["importer"]
