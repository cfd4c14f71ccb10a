"""What entries have the mesh do, in one form for all spellings: the requests to a service, its instances, its settings
and its callers. What is not known to be only a spelling stays as it is written, so that two equal forms mean the same.
"""

from reconciler.adapters.consul.meaning.meanings import meanings

__all__ = ["meanings"]
