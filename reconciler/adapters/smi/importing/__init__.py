"""From objects of SMI, and of the products that speak it, to neutral documents. Beside it ``meaning`` says when two
sets of objects are equal."""

from reconciler.adapters.smi.importing.proposals import importer

__all__ = ["importer"]
