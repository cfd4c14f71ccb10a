"""Cilium. ``adapter`` is the whole; each other module is one aspect of what is written or read. Routes are those of
``reconciler/adapters/standard``; access is CiliumNetworkPolicy."""

from reconciler.adapters.cilium.adapter import ADAPTER

__all__ = ["ADAPTER"]
