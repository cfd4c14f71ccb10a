"""``reconciler local up``: the daemon, the proxies that it writes for, and the services behind these, in one folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from reconciler.compile.local import LocalService, gateways_of, services_of
from reconciler.daemon.ending import Ending
from reconciler.daemon.laptop import Laptop
from reconciler.daemon.loop import Loop
from reconciler.daemon.metrics import Metrics
from reconciler.daemon.rounds import Watch
from reconciler.io.local.processes import Ended, Processes
from reconciler.model.documents import DesiredState
from reconciler.model.plans import Outcome
from reconciler.pipeline.world import World, keeping_connections

Say = Callable[[str], None]
_TELLING = ("changed", "pruned", "failed", "blocked")
_LATE = "late: "  # a busy machine, no trouble: its round goes on beside the others


@dataclass
class LocalLog:
    """The daemon's log: all of it as JSON lines in a file, and in a few words for people what they wait for.

    ``calm``: how many rounds have ended while no proxy had something yet to take; until all is ``ready``, proxies that
    do not answer are no news."""

    file: TextIO
    say: Say
    calm: int = 0
    ready: bool = False
    _taking: set[str] = field(default_factory=set)
    _told: dict[str, str] = field(default_factory=dict)

    def info(self, event: str, **fields: Any) -> None:
        self._write("info", event, fields)
        if event == "target":
            self._target(fields)
        elif event == "round finished" and not self._taking:
            self.calm += 1

    def warning(self, event: str, **fields: Any) -> None:
        self._write("warning", event, fields)
        why = str(fields.get("why", ""))
        if (event == "circuit open" and not why.startswith(_LATE)) or fields.get("severity") == "error":
            self.say(f"{event}: {fields.get('text') or why or fields}")

    def error(self, event: str, **fields: Any) -> None:
        self._write("error", event, fields)
        if fields.get("outcome") != Outcome.SKIPPED:  # the next round does it
            self.say(f"{event}: {fields.get('error') or fields}")

    def exception(self, event: str, **fields: Any) -> None:
        self.error(event, **fields)

    def _target(self, fields: dict[str, Any]) -> None:
        name = f"{fields['cluster']}/{fields['mesh']}"
        (self._taking.add if fields.get("progressing") else self._taking.discard)(name)
        counts = " ".join(f"{key}={value}" for key, value in fields.items() if isinstance(value, int))
        line = f"{name}  commit {fields['commit']}: {counts}"
        telling = any(fields.get(one) for one in _TELLING) or (self.ready and fields.get("degraded"))
        if telling and line != self._told.get(name):
            self.say(line)
        self._told[name] = line

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        self.file.write(json.dumps({"level": level, "event": event, **fields}, default=str) + "\n")
        self.file.flush()


@dataclass(frozen=True, slots=True)
class Local:
    """``folder``: where what belongs to this run lies; ``interval``: seconds between looks at Git."""

    base: Path
    folder: Path
    interval: float
    say: Say


def up(world: World, how: Local) -> None:
    """Until it is told to end. Everything that was started has ended then."""
    with (how.folder / "reconciler.log").open("a", encoding="utf-8") as file:
        log = LocalLog(file, how.say)
        ending = Ending(log)
        try:
            asyncio.run(_up(world, how, log, ending))
        finally:
            ending.over()


async def _up(world: World, how: Local, log: LocalLog, ending: Ending) -> None:
    def told(ended: Ended) -> None:
        words = f": {ended.why}" if ended.why else ""
        how.say(f"{Path(ended.name).name} ended ({ended.code}){words}; it is started again in {ended.again_in:g} s")

    def ready(desired: DesiredState) -> None:
        log.ready = True
        for line in addresses(desired, world):
            how.say(line)

    def rounds() -> int:
        return log.calm

    async with keeping_connections(world) as kept, Processes(told) as processes:
        laptop = Laptop(world.source, how.base, how.folder, tuple(world.adapters), processes, how.say, rounds, ready)
        await laptop.look()
        looking = asyncio.create_task(laptop.run())
        try:
            await Loop(kept, Watch(log, Metrics()), ending, interval=how.interval).run()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


def addresses(desired: DesiredState, world: World) -> Iterable[str]:
    """A command to copy for each workload that may call, and for each host of a gateway."""
    ports = {target.cluster: _port(target.cluster, desired, world) for target in desired.targets}
    yield from _lines("Ask as a workload, through its proxy:", [
        (f"{one.cluster}/{one.workload}", other, f"{one.address}:{ports[one.cluster]}")
        for one, other in _calls(services_of(desired)) if ports.get(one.cluster)
    ])  # fmt: skip
    yield from _lines("Ask from outside, at a gateway:", [
        (f"{gateway.cluster}/{gateway.name}", host, f"{gateway.address}:{port}")
        for gateway in gateways_of(desired) for host, port in gateway.hosts
    ])  # fmt: skip


def _calls(services: Iterable[LocalService]) -> Iterable[tuple[LocalService, str]]:
    """Each workload over HTTP with another service of its cluster: the one before it by name."""
    places = {(one.cluster, one.workload): one for one in services if one.protocol == "HTTP"}
    for one in places.values():
        names = sorted({each.service for each in places.values() if each.cluster == one.cluster})
        if len(names) > 1:
            yield one, names[names.index(one.service) - 1]


def _lines(heading: str, calls: Sequence[tuple[str, str, str]]) -> Iterable[str]:
    """``calls``: who, the host that is asked for, and where."""
    if calls:
        yield heading
    width = max((len(who) for who, _host, _place in calls), default=0)
    for who, host, place in calls:
        yield f"  {who:<{width}}  curl -H 'Host: {host}' http://{place}/"


def _port(cluster: str, desired: DesiredState, world: World) -> int:
    types = [desired.mesh(target).type for target in desired.targets if target.cluster == cluster]
    return next((world.adapters[name].caller_port for name in types if name in world.adapters), 0)
