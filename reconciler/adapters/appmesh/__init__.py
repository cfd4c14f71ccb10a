"""AWS App Mesh on Kubernetes, by the definitions of its controller. ``adapter`` is the whole."""

from reconciler.adapters.appmesh.adapter import ADAPTER

__all__ = ["ADAPTER"]
