"""Programs that run as long as we do: started, waited for, started again when they end, and ended with us.

Use it from the main thread: on Linux a child dies with the thread that started it.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from reconciler.io.local.children import ProcessError, Program, end, kill, last_words, spawn

_ASK_AGAIN = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Ended:
    """It ended by itself. ``code``: negative for a signal; ``why``: the end of its log, or how a start failed."""

    name: str
    code: int
    why: str
    again_in: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: before a restart, doubled up to ``longest`` unless it ran ``steady``; and how long an end may take."""

    first: float = 0.5
    longest: float = 30.0
    steady: float = 60.0
    patience: float = 10.0


class Processes:
    """A set of running programs by name. Leaving its block, or ``stop_all``, ends them."""

    def __init__(self, told: Callable[[Ended], None], pace: Pace | None = None) -> None:
        self._told = told
        self._pace = pace or Pace()
        self._running: dict[str, Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._starting: set[str] = set()

    async def __aenter__(self) -> Processes:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_all()

    def pids(self) -> Mapping[str, int]:
        """Of those that run now."""
        return {name: process.pid for name, process in self._running.items() if process.returncode is None}

    def names(self) -> frozenset[str]:
        """Of those that are to run, be they about to be started again."""
        return frozenset(self._running) | frozenset(self._keepers)

    async def start(self, program: Program, within: float = 30.0) -> None:
        """Returns when it is ready. ProcessError, and it does not run, when it ends before or is not within seconds."""
        if program.name in self.names() | self._starting:
            raise ProcessError(f"{program.name} runs already")
        self._starting.add(program.name)
        try:
            process = self._running[program.name] = await spawn(program)
            await self._until_ready(program, process, within)
        finally:
            self._starting.discard(program.name)
        self._keepers[program.name] = asyncio.create_task(self._keep(program), name=f"keeps {program.name}")

    async def stop(self, name: str) -> None:
        """End one; nothing happens when it does not run."""
        keeper = self._keepers.pop(name, None)
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        process = self._running.pop(name, None)
        if process is not None:
            await end(process, self._pace.patience)

    async def _until_ready(self, program: Program, process: Process, within: float) -> None:
        try:
            await _until_ready(program, process, within)
            if self._running.get(program.name) is not process:
                raise ProcessError(f"{program.name} was stopped before it was ready")
        except BaseException:
            self._running.pop(program.name, None)
            await end(process, 0)
            raise

    async def stop_all(self) -> None:
        await asyncio.gather(*(self.stop(name) for name in list(self._running)))

    async def _keep(self, program: Program) -> None:
        delay = self._pace.first
        clock = asyncio.get_running_loop().time
        while True:
            process, since = self._running[program.name], clock()
            code = await process.wait()
            kill(process)
            if clock() - since > self._pace.steady:
                delay = self._pace.first
            self._told(Ended(program.name, code, last_words(program.log), delay))
            delay = await self._start_again(program, delay)

    async def _start_again(self, program: Program, delay: float) -> float:
        """The delay after the next end; what cannot be started is tried until it can."""
        while True:
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._pace.longest)
            try:
                self._running[program.name] = await spawn(program)
            except ProcessError as problem:
                self._told(Ended(program.name, 0, str(problem), delay))
            else:
                return delay


async def _is_ready(program: Program) -> bool:
    with suppress(OSError):  # it does not listen yet
        return program.ready is None or await program.ready()
    return False


async def _until_ready(program: Program, process: Process, within: float) -> None:
    ending = asyncio.ensure_future(process.wait())
    try:
        async with asyncio.timeout(within):
            while not await _is_ready(program):
                await asyncio.wait([ending], timeout=_ASK_AGAIN)
                if ending.done():
                    kill(process)
                    words = last_words(program.log)
                    raise ProcessError(f"{program.name} ended before it was ready ({ending.result()}): {words}")
    except TimeoutError as problem:
        words = last_words(program.log)
        raise ProcessError(f"{program.name} was not ready within {within:g} s: {words}") from problem
    finally:
        ending.cancel()
