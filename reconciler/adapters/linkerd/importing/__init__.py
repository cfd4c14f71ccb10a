"""From routes, Servers and annotations to neutral documents. ``meaning`` says when sets of objects are equal."""

from reconciler.adapters.linkerd.importing.proposals import importer

__all__ = ["importer"]
