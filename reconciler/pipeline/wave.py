"""One wave of writes: many under way, their intents made durable ahead of them, their outcomes recorded behind them.

Writers and the keeper of the record go side by side; the keeper does one transaction after the other. What a step is
and how it is written and recorded is said by ``apply``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.model.plans import Action, ApplyResult
from reconciler.pipeline.patience import patiently
from reconciler.pipeline.steps import Step

WRITES_AT_ONCE = 16  # per cluster
FIRST = 2 * WRITES_AT_ONCE  # intents of the first transaction: the first write waits for it
AHEAD = 96  # intents that wait for their write at most; when a third of them is left, the next are made durable
SOON = 0.2  # seconds that an outcome waits at most until it is recorded


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a step; no result: the first half of a change went well. ``announced``: its intent is durable,
    ``begun``: its write was."""

    number: int
    step: Step
    result: ApplyResult | None
    announced: bool = True
    begun: bool = True


class Hand(Protocol):
    """Who writes and records the steps of one target."""

    def why_not(self) -> str:
        """Why no write may begin now, or ""."""

    def give_up(self, step: Step, reason: str) -> ApplyResult: ...

    def unknown(self, step: Step) -> ApplyResult:
        """The result of a write that was cut off."""

    async def write(self, step: Step) -> ApplyResult | None: ...

    async def record(self, ended: Sequence[Ended], opening: Sequence[Step]) -> str:
        """Close what has ended and open what comes next, in one transaction; why nothing may be written any more,
        or "". StoreError when neither was done."""

    def report(self, result: ApplyResult) -> None: ...


@dataclass
class Wave:
    """``stop`` true: nothing begins any more, and what is in hand gets some seconds."""

    steps: Sequence[Step]
    hand: Hand
    stop: Callable[[], bool]
    _ahead: int = AHEAD
    _rest: deque[tuple[int, Step]] = field(default_factory=deque)
    _ready: asyncio.Queue[tuple[int, Step] | None] = field(default_factory=asyncio.Queue)
    _ended: list[Ended] = field(default_factory=list)
    _results: dict[int, ApplyResult] = field(default_factory=dict)
    _open: int = 0  # announced and not ended
    _broken: str = ""
    _bug: Exception | None = None
    _stir: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> list[ApplyResult]:
        """The results in the order of the steps, when all has ended and is recorded. StoreError: nothing more was
        begun, and what was written is announced."""
        self._rest.extend(enumerate(self.steps))
        self._ahead = WRITES_AT_ONCE if any(_told_by_absence(step) for step in self.steps) else AHEAD
        writers = [asyncio.create_task(self._writer()) for _ in self.steps[:WRITES_AT_ONCE]]
        keeper = asyncio.create_task(self._keep(len(writers)))
        try:
            await patiently(writers, self.stop)
            for dead in [writer for writer in writers if not writer.cancelled() and writer.exception()]:
                dead.result()
            self._leave_rest()
            await keeper
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])
            self._tell([each for each in self._ended if each.begun])
        if self._bug is not None:
            raise self._bug
        return [self._results[number] for number in sorted(self._results)]

    async def _writer(self) -> None:
        while (item := await self._ready.get()) is not None:
            number, step = item
            if reason := self._broken or self.hand.why_not():
                self._end(Ended(number, step, self.hand.give_up(step, reason), begun=False))
                continue
            if self._runs_low():
                self._stir.set()
            try:
                self._end(Ended(number, step, await self.hand.write(step)))
            except asyncio.CancelledError:
                self._end(Ended(number, step, self.hand.unknown(step)))
                raise
            except Exception as bug:
                self._bug, self._broken = self._bug or bug, self._broken or "the run failed"
                self._end(Ended(number, step, self.hand.unknown(step)))
            except BaseException:
                self._broken = "the process ends"
                raise

    def _end(self, ended: Ended) -> None:
        self._ended.append(ended)
        self._open -= ended.announced
        if not self._open:
            self._stir.set()

    def _leave_rest(self) -> None:
        """When writers were cut off: what waited for them never begins."""
        self._broken = self._broken or "the run was asked to stop"
        while not self._ready.empty():
            if item := self._ready.get_nowait():
                self._end(Ended(*item, self.hand.give_up(item[1], self._broken), begun=False))

    async def _keep(self, writers: int) -> None:
        try:
            while self._rest or self._open or self._ended:
                opening = self._next()
                if opening or self._ended:
                    await self._turn(opening)
                if not self._rest:
                    self._dismiss(writers)
                    writers = 0
                await self._stirred()
        except Exception as problem:
            self._broken = str(problem)
            raise
        finally:
            self._dismiss(writers)

    def _dismiss(self, writers: int) -> None:
        for _ in range(writers):
            self._ready.put_nowait(None)

    def _next(self) -> list[tuple[int, Step]]:
        """What is to be announced now."""
        if self._rest and (reason := self._broken or self.hand.why_not()):
            self._give_up(self._rest, reason)
            self._rest.clear()
        if not self._runs_low():
            return []
        room = min(self._ahead, FIRST if self._rest[0][0] == 0 else AHEAD) - self._ready.qsize()
        return [self._rest.popleft() for _ in range(min(room, len(self._rest)))]

    def _runs_low(self) -> bool:
        return bool(self._rest) and self._ready.qsize() <= self._ahead // 3

    def _give_up(self, items: Sequence[tuple[int, Step]] | deque[tuple[int, Step]], reason: str) -> None:
        for number, step in items:
            self._end(Ended(number, step, self.hand.give_up(step, reason), announced=False, begun=False))

    async def _turn(self, opening: list[tuple[int, Step]]) -> None:
        ended, self._ended = sorted(self._ended, key=lambda each: each.number), []
        try:
            why_not = await self.hand.record(ended, [step for _, step in opening])
        finally:
            # It was done also where it cannot be recorded: the next run will.
            self._tell(ended)
        if why_not:
            self._give_up(opening, why_not)
            return
        self._open += len(opening)
        for item in opening:
            self._ready.put_nowait(item)

    def _tell(self, ended: Sequence[Ended]) -> None:
        for each in ended:
            if each.result is not None:
                self.hand.report(each.result)
                self._results[each.number] = each.result

    async def _stirred(self) -> None:
        """Until there is something to record: at once when nothing is under way any more."""
        self._stir.clear()
        if not self._open or self._runs_low():
            return
        try:
            async with asyncio.timeout(SOON):
                await self._stir.wait()
        except TimeoutError:
            return


def _told_by_absence(step: Step) -> bool:
    """Whether the next run would know of this write, if this one died, only by what is no longer there. That may be
    somebody else's doing, so no more of them are announced than are about to begin."""
    change = step.change
    return change.action in (Action.PRUNE, Action.REPLACE) or bool(change.foreign_paths)
