"""What routes and network policies have the mesh do, in one form for all spellings."""

from reconciler.adapters.cilium.meaning.meanings import meanings

__all__ = ["meanings"]
