"""Policies of a revision and facts of the clusters to native objects. Pure; ``compile_state`` is the way in."""

from reconciler.compile.again import Before, compile_again
from reconciler.compile.state import compile_state, intents

__all__ = ["Before", "compile_again", "compile_state", "intents"]
