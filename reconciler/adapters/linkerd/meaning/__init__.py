"""What objects have the mesh do, in one form for all spellings: calls of a Service, and what arrives at a port."""

from reconciler.adapters.linkerd.meaning.meanings import meanings

__all__ = ["meanings"]
