"""Who is told that a round has ended, and may do something of its own beside the rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from reconciler.daemon.metrics import Metrics
from reconciler.daemon.rounds import Round
from reconciler.pipeline.world import World


@dataclass(frozen=True, slots=True)
class Around:
    """What an observer has of the daemon. ``wake`` (trigger) starts a round at once, and does nothing where there is
    but one."""

    world: World
    log: Any
    metrics: Metrics
    wake: Callable[[str], None]


class Observer(Protocol):
    async def start(self) -> None:
        """Before the first round. OutsideError ends the daemon."""

    def after(self, done: Round) -> None:
        """A round has ended. Returns at once; never raises."""

    async def close(self, seconds: float) -> None:
        """The daemon ends: wait so long for what is in hand, then drop it."""


#: Made when the daemon has what is around it.
MakesObserver = Callable[[Around], Observer]


async def started(makers: Iterable[MakesObserver], around: Around) -> tuple[Observer, ...]:
    """The observers, each of them started; OutsideError when one cannot be."""
    observers = tuple(made(around) for made in makers)
    for observer in observers:
        await observer.start()
    return observers
