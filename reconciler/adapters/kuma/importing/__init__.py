"""Neutral documents for existing objects, as proposals. What is not covered stays native."""

from reconciler.adapters.kuma.importing.proposals import importer

__all__ = ["importer"]
