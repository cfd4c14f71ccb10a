"""What objects have the mesh do, in one form for all spellings: shares of a Service, the callers of a service account,
settings of a host. What is not known to be only a spelling stays as it is written."""

from reconciler.adapters.smi.meaning.meanings import meanings

__all__ = ["meanings"]
