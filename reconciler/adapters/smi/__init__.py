"""The Service Mesh Interface, as the products have it that took it up. ``adapter`` is the whole; each other module is
one aspect of what is written or read. What differs between products is in ``products`` and the capability files."""

from reconciler.adapters.smi.adapter import ADAPTER

__all__ = ["ADAPTER"]
