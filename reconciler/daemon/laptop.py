"""The processes of a mesh on this machine: a proxy for each folder that has a bootstrap, and the services behind them.

It looks at Git and at the folders again and again, beside the rounds of the loop that writes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.compile.local import LocalService, folders_of, gateways_of, services_of
from reconciler.io.envoy.proxy import forget, proxy_program
from reconciler.io.envoy.restarts import Start, check_start, drained, start_of
from reconciler.io.local.children import ProcessError, Program
from reconciler.io.local.echo import Echo
from reconciler.io.local.echoes import NAME, program
from reconciler.io.local.processes import Processes
from reconciler.load import load
from reconciler.model.documents import DesiredState
from reconciler.ports import Source, SourceError

LOOK_EVERY = 0.4  # seconds


@dataclass
class Laptop:
    """``base``: against which relative folders of clusters are; ``folder``: where its own files go; ``say``: one line
    for people; ``rounds``: how many have ended with nothing left for proxies to take; ``ready`` is told once, when all
    that Git describes runs and has taken what it says."""

    source: Source
    base: Path
    folder: Path
    mesh_types: Sequence[str]
    processes: Processes
    say: Callable[[str], None]
    rounds: Callable[[], int]
    ready: Callable[[DesiredState], None]
    desired: DesiredState | None = None
    _revision: str = ""
    _services: tuple[LocalService, ...] = ()
    _failed: set[str] = field(default_factory=set)
    _begun: dict[str, Start] = field(default_factory=dict)
    _not_taken: dict[str, Start] = field(default_factory=dict)
    _told: bool = False
    _ready_after: int | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Start what is described and does not run, end what is not described any more."""
        await self._read()
        if self.desired is not None:
            await self._serve(services_of(self.desired))
            await self._proxies(self._found(self.desired))
            self._tell(self.desired)

    async def _read(self) -> None:
        try:
            revision = await asyncio.to_thread(self.source.fetch)
            if revision != self._revision:
                tree = await asyncio.to_thread(self.source.tree, revision)
                desired, _findings = load(tree, self.mesh_types)  # what is wrong is told by the rounds
                self.desired, self._revision = desired or self.desired, revision
        except SourceError:
            return  # the rounds tell

    async def _serve(self, services: tuple[LocalService, ...]) -> None:
        if services == self._services:
            return
        await self.processes.stop(NAME)
        echoes = [
            Echo(one.address, one.port, one.service, one.workload, dict(one.labels), one.protocol) for one in services
        ]
        if await self._start(program(self.folder / "services.json", echoes)):
            self._services = services

    def _found(self, desired: DesiredState) -> set[Path]:
        """The folders of proxies that have something to start with."""
        roots = [self.base / Path(path).expanduser() for path in folders_of(desired).values()]
        return {path.parent for root in roots for path in root.glob("[!.]*/[!.]*/bootstrap.json")}

    def _tell(self, desired: DesiredState) -> None:
        wanted = {(one.cluster, one.workload) for one in services_of(desired)}
        wanted |= {(one.cluster, one.name) for one in gateways_of(desired)}
        if self._told or len(self.processes.pids()) <= len(wanted):
            return
        if self._ready_after is None:
            self._ready_after = self.rounds() + 1  # the round after the one in hand sees them all run
        elif self.rounds() > self._ready_after:
            self._told = True
            self.ready(desired)

    async def _proxies(self, found: set[Path]) -> None:
        wanted = {str(folder): proxy_program(str(folder), folder) for folder in sorted(found)}
        running = self.processes.names()
        for name in sorted(running - frozenset(wanted) - {NAME}):
            await self.processes.stop(name)
            await asyncio.to_thread(forget, Path(name))
        await asyncio.gather(*(self._begin(wanted[name]) for name in sorted(frozenset(wanted) - running)))
        await self._begin_again([wanted[name] for name in sorted(running & frozenset(wanted))])

    async def _begin(self, wanted: Program) -> bool:
        self._begun[wanted.name] = await asyncio.to_thread(start_of, wanted.folder)
        return await self._start(wanted)

    async def _begin_again(self, running: Sequence[Program]) -> None:
        """The first whose bootstrap is another one than it was started with: one at a look, so that other workloads of
        its service are there meanwhile. One that would not start goes on as it is."""
        for one in running:
            now = await asyncio.to_thread(start_of, one.folder)
            if not now.version or now in (self._begun.get(one.name), self._not_taken.get(one.name)):
                continue
            try:
                await check_start(one.folder)
            except ProcessError as problem:
                self._not_taken[one.name] = now
                self.say(f"{one.name} goes on with the bootstrap that it was started with: {problem}")
                continue
            self.say(f"{Path(one.name).name} is restarted, to take its bootstrap")
            await drained(self._begun.get(one.name, now))
            await self.processes.stop(one.name)
            await self._begin(one)
            return

    async def _start(self, wanted: Program) -> bool:
        try:
            await self.processes.start(wanted)
        except ProcessError as problem:
            if wanted.name not in self._failed:
                self.say(f"{wanted.name} does not start: {problem}")
            self._failed.add(wanted.name)
            return False
        self._failed.discard(wanted.name)
        return True
