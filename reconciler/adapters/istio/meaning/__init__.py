"""What objects have the mesh do, in one form for all spellings: by host, by workloads and action, by workloads.

What is not known to be only a spelling stays as it is written, so two forms that are equal mean the same.
"""

from reconciler.adapters.istio.meaning.meanings import meanings

__all__ = ["meanings"]
