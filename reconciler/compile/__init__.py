"""Policies of a revision and facts of the clusters to native objects. Pure; ``compile_state`` is the way in."""

from reconciler.compile.state import compile_state, intents

__all__ = ["compile_state", "intents"]
