"""What objects have the mesh do, in one form for all spellings."""

from reconciler.adapters.kuma.meaning.meanings import meanings

__all__ = ["meanings"]
