"""Istio with sidecars. ``adapter`` is the whole; each other module is one aspect of what we write or read."""

from reconciler.adapters.istio.adapter import ADAPTER

__all__ = ["ADAPTER"]
