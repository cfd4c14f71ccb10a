"""Pull requests, beside the rounds: each open one has its report, kept true; each merged one is told what became of it.

What is to be looked at comes by webhook (``Hooks``) or, at each interval, by asking the forge. One at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from reconciler.daemon.observing import Around
from reconciler.daemon.rounds import Round
from reconciler.model.forges import Delivery, PullRequest, Told
from reconciler.pipeline.kept import Kept
from reconciler.pipeline.merged import tell_merged
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.posting import publish
from reconciler.pipeline.review import review
from reconciler.pipeline.world import Request
from reconciler.ports import OutsideError
from reconciler.ports.forge import Forge

MOST_OPEN = 200  # pull requests that one look at the forge goes through


@dataclass(frozen=True, slots=True)
class Reviewing:
    """``branch`` is that which is followed, asked anew each time, since it is known after a fetch only. ``repository``:
    its full name, by which deliveries about others are known, "" takes all. ``limit`` as of the daemon; ``author``: who
    we are on the forge, for a token that cannot ask; ``every`` seconds it is asked."""

    forge: Forge
    branch: Callable[[], str]
    repository: str = ""
    limit: str = ""
    author: str = ""
    every: float = 60.0


@dataclass
class Reviews:
    """An observer of the daemon. ``after`` and ``deliver`` only note what is to be done; one task does it."""

    around: Around
    how: Reviewing
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _all: bool = True
    _numbers: dict[int, None] = field(default_factory=dict)
    _run: Run | None = None
    _known: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _lives: str = ""
    _trouble: str = ""
    _kept: Kept = field(default_factory=Kept)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._look_on())]

    def after(self, done: Round) -> None:
        """What lives may be another by now, and so may each report."""
        if done.run is None or done.run.planned.plan is None:
            return
        self._run = done.run
        lives = f"{done.run.planned.prepared.commit.sha} {done.run.planned.plan.fingerprint}"
        self._all, self._lives = self._all or lives != self._lives, lives
        self._ask()

    def deliver(self, delivery: Delivery) -> None:
        """A push to the branch starts a round, a change of a pull request its report."""
        branch, ours = self.how.branch(), self.how.repository or delivery.repository
        if delivery.repository.lower() != ours.lower():
            return
        if delivery.told is Told.PUSH and delivery.branch and delivery.branch == (branch or delivery.branch):
            self.around.wake("webhook")
        elif delivery.told is Told.PULL_REQUEST and delivery.open and delivery.branch == (branch or delivery.branch):
            self._numbers[delivery.number] = None
            self._known.pop(delivery.number, None)
            self._ask()

    async def close(self, seconds: float) -> None:
        """What is in hand has its time; what is not begun is found again by the next daemon."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.settled(), seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.how.forge.close()

    async def settled(self) -> None:
        """Returns when nothing is to be done, or being done."""
        if self._asked.is_set():
            await self._idle.wait()

    def _ask(self) -> None:
        self._idle.clear()
        self._asked.set()

    def look(self) -> None:
        """Ask the forge which pull requests are open."""
        self._all = True
        self._ask()

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(self.how.every)
            self.look()

    async def _work(self) -> None:
        while True:
            await self._asked.wait()
            if self._run is not None:
                run, self._run = self._run, None
                await self._safely(self._tell_merged, run)
            if self._all:
                self._all = False
                await self._safely(self._find_open, None)
            while self._numbers:
                number = next(iter(self._numbers))
                del self._numbers[number]
                await self._safely(self._report, number)
            if not self._all and not self._numbers and self._run is None:
                self._asked.clear()
                self._idle.set()

    async def _safely(self, job: Callable[[Any], Awaitable[None]], about: Any) -> None:
        """Trouble of the forge, of Git or of the store is logged, each kind once until it is over; a bug as a bug."""
        try:
            await job(about)
            self._trouble = ""
        except OutsideError as problem:
            if str(problem) != self._trouble:
                self.around.log.warning("forge", why=str(problem))
            self._trouble = str(problem)
        except Exception as problem:
            self.around.log.exception("report ended by a bug", error=repr(problem))

    async def _tell_merged(self, run: Run) -> None:
        told = await tell_merged(self.how.forge, self.around.world, run, self.how.author)
        for number in told.told:
            self.around.log.info("merged pull request told", number=number)
        for problem in told.problems:
            raise problem

    async def _find_open(self, _nothing: None) -> None:
        """The open pull requests to the branch whose head, or what it is compared with, is another than reported."""
        branch = self.how.branch()
        if not branch or not self._lives:
            return  # before the first round nothing is known to compare with
        found: set[int] = set()
        async for pull in self.how.forge.pull_requests(branch):
            found.add(pull.number)
            if self._known.get(pull.number) != self._key(pull):
                self._numbers[pull.number] = None
            if len(found) >= MOST_OPEN:
                self.around.log.warning("too many open pull requests", reported=MOST_OPEN)
                break
        for number in set(self._known) - found:
            del self._known[number]

    async def _report(self, number: int) -> None:
        pull = await self.how.forge.pull_request(number)
        if not pull.open or pull.target_branch != (self.how.branch() or pull.target_branch):
            return
        key = self._key(pull)
        request = Request(limit=self.how.limit)
        base = self.around.world.source.last_known() or pull.base
        made = await review(self.around.world, request, base, pull.head, live=True, kept=self._kept)
        posted = await publish(self.how.forge, pull, made, author=self.how.author)
        self.around.log.info("pull request reported", number=number, comment=str(posted.outcome), commit=pull.head[:8])
        for problem in posted.problems:
            raise problem
        self._known[number] = key

    def _key(self, pull: PullRequest) -> tuple[str, ...]:
        return (pull.head, pull.target_branch, self._lives)
