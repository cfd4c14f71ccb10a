"""From configuration entries to neutral documents. Beside it ``meaning`` says when two sets of entries are equal."""

from reconciler.adapters.consul.importing.proposals import importer

__all__ = ["importer"]
