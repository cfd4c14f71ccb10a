"""Gateway API, the common standard of several meshes and gateways. ``adapter`` is the whole; each other module is one
aspect of what is written or read."""

from reconciler.adapters.gateway_api.adapter import ADAPTER

__all__ = ["ADAPTER"]
