"""Linkerd 2. ``adapter`` is the whole; each other module is one aspect of what is written or read."""

from reconciler.adapters.linkerd.adapter import ADAPTER

__all__ = ["ADAPTER"]
