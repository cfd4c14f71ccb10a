"""Code forges as ``reconciler.ports.forge.Forge``: one module per forge, over one way to talk HTTP; and what they tell
of their own accord (``deliveries``)."""

from reconciler.io.forges.access import Access, App
from reconciler.io.forges.opening import open_forge
from reconciler.io.forges.place import Kind

__all__ = ["Access", "App", "Kind", "open_forge"]
