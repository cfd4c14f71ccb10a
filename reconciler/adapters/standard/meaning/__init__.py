"""What routes to Services do, by service, port and callers, in one form for all spellings."""

from reconciler.adapters.standard.meaning.meanings import meanings

__all__ = ["meanings"]
