"""Gateway API where nobody says which mesh it is that implements it. ``adapter`` is the whole; what it writes and reads
is in ``reconciler/adapters/standard``."""

from reconciler.adapters.gateway_api.adapter import ADAPTER

__all__ = ["ADAPTER"]
