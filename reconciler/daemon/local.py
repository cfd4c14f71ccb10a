"""``reconciler local up``: the daemon, the proxies that it writes for, and the services behind these, in one folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from reconciler.compile.local import gateways_of, services_of
from reconciler.daemon.ending import Ending
from reconciler.daemon.laptop import Laptop
from reconciler.daemon.loop import Loop
from reconciler.daemon.metrics import Metrics
from reconciler.daemon.rounds import Watch
from reconciler.io.local.processes import Ended, Processes
from reconciler.model.documents import DesiredState
from reconciler.pipeline.world import World, keeping_connections

Say = Callable[[str], None]
_TELLING = ("changed", "pruned", "failed", "blocked", "degraded")
_SAID = {"round failed", "round ended by a bug", "circuit open", "circuit closed"}


@dataclass(frozen=True)
class LocalLog:
    """The daemon's log: all of it as JSON lines in a file, and in a few words for people what they wait for."""

    file: TextIO
    say: Say

    def info(self, event: str, **fields: Any) -> None:
        self._write("info", event, fields)
        if event == "target" and any(fields.get(name) for name in _TELLING):
            counts = " ".join(f"{name}={value}" for name, value in fields.items() if isinstance(value, int))
            self.say(f"{fields['cluster']}/{fields['mesh']}  commit {fields['commit']}: {counts}")

    def warning(self, event: str, **fields: Any) -> None:
        self._write("warning", event, fields)
        if event in _SAID or fields.get("severity") == "error":
            self.say(f"{event}: {fields.get('text') or fields.get('why') or fields}")

    def error(self, event: str, **fields: Any) -> None:
        self._write("error", event, fields)
        self.say(f"{event}: {fields.get('error') or fields}")

    def exception(self, event: str, **fields: Any) -> None:
        self.error(event, **fields)

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


def up(world: World, how: Local) -> int:
    """Until it is told to end; the exit code of the last round. Everything that was started has ended then."""
    with (how.folder / "reconciler.log").open("a", encoding="utf-8") as file:
        log = LocalLog(file, how.say)
        ending = Ending(log)
        try:
            return asyncio.run(_up(world, how, log, ending))
        finally:
            ending.over()


async def _up(world: World, how: Local, log: LocalLog, ending: Ending) -> int:
    def told(ended: Ended) -> None:
        words = f": {ended.why}" if ended.why else ""
        how.say(f"{Path(ended.name).name} ended ({ended.code}){words}; it is started again in {ended.again_in:g} s")

    def ready(desired: DesiredState) -> None:
        for line in addresses(desired, world):
            how.say(line)

    async with keeping_connections(world) as kept, Processes(told) as processes:
        laptop = Laptop(world.source, how.base, how.folder, tuple(world.adapters), processes, how.say, ready)
        await laptop.look()
        looking = asyncio.create_task(laptop.run())
        try:
            return await Loop(kept, Watch(log, Metrics()), ending, interval=how.interval).run()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


def addresses(desired: DesiredState, world: World) -> Iterable[str]:
    """A command to copy for each workload that may call, and for each host of a gateway."""
    services = [one for one in services_of(desired) if one.protocol == "HTTP"]
    ports = {target.cluster: _port(target.cluster, desired, world) for target in desired.targets}
    yield "Ask as a workload, through its proxy:"
    for one in {(one.cluster, one.workload): one for one in reversed(services)}.values():
        others = (each.service for each in services if each.cluster == one.cluster and each.service != one.service)
        if (other := next(others, "")) and ports.get(one.cluster):
            url = f"http://{one.address}:{ports[one.cluster]}/"
            yield f"  {one.cluster}  as {one.workload:<16} curl -H 'Host: {other}' {url}"
    gateways = gateways_of(desired)
    if gateways:
        yield "Ask from outside, at a gateway:"
    for gateway in gateways:
        for host, port in gateway.hosts:
            yield f"  {gateway.cluster}  at {gateway.name:<16} curl -H 'Host: {host}' http://{gateway.address}:{port}/"


def _port(cluster: str, desired: DesiredState, world: World) -> int:
    types = [desired.mesh(target).type for target in desired.targets if target.cluster == cluster]
    return next((world.adapters[name].caller_port for name in types if name in world.adapters), 0)
