"""Who is told that a round has ended, and may do something of its own beside the rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from reconciler.daemon.rounds import Round
from reconciler.pipeline.world import World


class Observer(Protocol):
    def after(self, done: Round) -> None:
        """A round has ended. Returns at once; never raises."""

    async def close(self, seconds: float) -> None:
        """The daemon ends: wait so long for what is in hand, then drop it."""


#: Made with the world and the log of the daemon, when these are there.
MakesObserver = Callable[[World, Any], Observer]
