"""A mesh of real proxies on loopback: a repository, the proxies that it describes, services that tell what they saw.

It is started once for many cases: each lays its documents into the repository, and all proxies have taken them before
anything is asked.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Container, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import yaml

from reconciler.io.clusters import open_cluster
from reconciler.io.envoy.proxy import proxy_program
from reconciler.io.envoy.restarts import Start, start_of
from reconciler.io.ids import new_id
from reconciler.io.local.echo import Echo, echoing
from reconciler.io.local.processes import Processes
from reconciler.io.store import open_store
from reconciler.io.worktree import WorktreeSource
from reconciler.model.events import Actor
from reconciler.model.findings import Severity
from reconciler.model.plans import Outcome
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.meshes import installed
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import Request, World, keeping_connections
from reconciler.ports import Listing
from tests.behaviour.cases import Ask, Logged, placed
from tests.behaviour.handshakes import handshake, lay
from tests.behaviour.keys import keys_served
from tests.behaviour.logs import Written
from tests.behaviour.observe import Door
from tests.behaviour.receivers import receiving
from tests.behaviour.silence import silent
from tests.behaviour.topology import CLUSTER, Addresses, declared, place_of, topology

OUTBOUND_PORT = 15001
TAKEN_WITHIN = 60.0  # seconds
FOLDER = ".mesh"
ROOT = "root.pem"
#: where a port takes no connections, as one behind a wall
SILENT = 98


@dataclass
class LiveMesh:
    """Use it in one event loop: ``async with``."""

    folder: Path
    addresses: Addresses
    kind: str
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _number: int = 0
    _begun: dict[str, Start] = field(default_factory=dict)
    _ends: dict[Path, int] = field(default_factory=dict)

    async def __aenter__(self) -> LiveMesh:
        self.repo = self.folder / "repo"
        (self.repo / "desired-state").mkdir(parents=True)
        (self.repo / "policies").mkdir()
        self._git("init", "-q", "-b", "main")
        (self.repo / ".gitignore").write_text(f"{FOLDER}/\n")
        self.store = open_store(self.folder / "state")
        self._stack.callback(self.store.close)
        self.world = await self._stack.enter_async_context(keeping_connections(self._world()))
        await self._stack.enter_async_context(echoing(self._echoes()))
        watcher = self.addresses.service(place_of("watcher"))
        (self.folder / "received").mkdir()
        root = await self._stack.enter_async_context(keys_served(watcher))
        (self.folder / ROOT).write_bytes(root)
        self._receivers = await self._stack.enter_async_context(receiving(watcher, self.folder / "received"))
        self._stack.enter_context(silent(self.addresses.service(SILENT), 8080))
        self._processes = await self._stack.enter_async_context(Processes(print))
        await self.hold("")
        for gateway in topology()["gateways"]:
            lay(self.repo / FOLDER / gateway["namespace"] / gateway["name"] / "secrets", self.folder / "authority")
        return self

    async def __aexit__(self, *problem: Any) -> None:
        await self._stack.aclose()

    async def hold(self, given: str, config: Mapping[str, Any] = MappingProxyType({})) -> Run:
        """Make these documents hold and no others; all proxies have taken them when it returns. ``config``: of the
        mesh."""
        self._ends = {path: path.stat().st_size for path in (self.repo / FOLDER).glob("*/*/*.log")}
        text = yaml.safe_dump_all(declared(self.addresses, self.kind, FOLDER, config), sort_keys=False)
        (self.repo / "desired-state" / "mesh.yaml").write_text(text)
        shutil.rmtree(self.repo / "policies")
        (self.repo / "policies").mkdir()
        given = placed(given, self.addresses.service).replace("@root@", str(self.folder / ROOT))
        (self.repo / "policies" / "given.yaml").write_text(given)
        self._git("add", "-A")
        self._number += 1
        self._git("commit", "-q", "--allow-empty", "-m", f"number {self._number}")
        run = await self._applied()
        while starting := self._to_start():
            await asyncio.gather(*(self._start(proxy) for proxy in starting))
            await self._taken(run)
            run = await self._applied()
        await self._taken(run)
        self._receivers.begin()
        return run

    async def _taken(self, run: Run) -> None:
        """What is gone is taken, too: a run waits for what it wrote only."""
        assert run.planned.desired is not None
        cluster = open_cluster(run.planned.desired.clusters[CLUSTER], self.repo)
        kinds = installed()[self.kind].kinds
        until = time.monotonic() + TAKEN_WITHIN
        try:
            while waited_for := _progressing(await cluster.list_objects(kinds)):
                assert time.monotonic() < until, f"not taken within {TAKEN_WITHIN:g} s: {waited_for}"
                await asyncio.sleep(0.05)
        finally:
            await cluster.close()

    async def _applied(self) -> Run:
        run = await pipeline.apply(self.world, Request())
        failed = [result for result in run.results if result.outcome not in (Outcome.CHANGED, Outcome.PRUNED)]
        assert not failed, [(str(result.change.key), result.message) for result in failed]
        targets = run.planned.plan.targets if run.planned.plan else ()
        assert not any(target.guards for target in targets), [target.guards for target in targets]
        return run

    def unwell(self, run: Run, told: Container[str] = ()) -> list[str]:
        """What Git is told but for these codes, and what proxies have not taken, in their words."""
        plan = run.planned.plan
        found = [one for one in run.planned.findings if one.severity is not Severity.INFO and one.code not in told]
        return [f"{one.code}: {one.message}" for one in found] + [
            f"{one.key}: {one.health.message}" for target in (plan.targets if plan else ()) for one in target.health
        ]

    def door(self, ask: Ask) -> Door:
        services = {
            one["name"]: f"http://{self.addresses.service(one['place'])}:{service['ports'][0]['number']}"
            for service in _echoing()
            if service["ports"][0]["protocol"] != "TCP"
            for one in service["workloads"]
        }
        tls = handshake(ask.tls, self.folder / "authority", self.repo / FOLDER) if ask.tls else None
        scheme = "https" if tls else "http"
        for gateway in topology()["gateways"]:
            if gateway["name"] == ask.by:
                address = f"{self.addresses.proxy(gateway['place'])}:{ask.at or gateway['port']}"
                return Door(f"{scheme}://{address}", services, tls)
        place = place_of(ask.by)
        if ask.tcp:
            return Door(f"http://{self.addresses.service(place)}:{ask.to.partition(':')[2]}", services)
        if ask.at:
            return Door(f"{scheme}://{self.addresses.proxy(place)}:{ask.at}", services, tls)
        return Door(f"http://{self.addresses.service(place)}:{OUTBOUND_PORT}", services)

    def written(self, logged: Logged) -> Written:
        """A file of a proxy, without what was in it before the documents of a case, or one of what was received."""
        if not logged.by:
            return Written(self.folder / "received" / logged.file)
        (folder,) = (self.repo / FOLDER).glob(f"*/{logged.by}")
        return Written(folder / logged.file, self._ends.get(folder / logged.file, 0))

    async def restart(self, proxy: Path) -> None:
        """``proxy``: its folder."""
        await self._start(proxy)

    async def _start(self, proxy: Path) -> None:
        """Anew, where it runs."""
        program = proxy_program(proxy.name, proxy)
        argv = [*program.argv]
        argv[argv.index("--drain-time-s") + 1] = "1"  # connections over a listener as it was before end soon
        self._begun[proxy.name] = start_of(proxy)
        await self._processes.stop(proxy.name)
        await self._processes.start(replace(program, argv=tuple(argv)))

    def _to_start(self) -> list[Path]:
        """Those that do not run, or not with the bootstrap that lies there."""
        found = (path.parent for path in sorted((self.repo / FOLDER).glob("*/*/bootstrap.json")))
        return [proxy for proxy in found if self._begun.get(proxy.name) != start_of(proxy)]

    def _echoes(self) -> list[Echo]:
        return [
            Echo(
                address=self.addresses.service(one["place"]),
                port=port["number"],
                service=f"{service['name']}.{service['namespace']}",
                workload=one["name"],
                labels=one["labels"],
                protocol=port["protocol"],
            )
            for service in _echoing()
            for one in service["workloads"]
            for port in service["ports"]
        ]

    def _world(self) -> World:
        return World(
            source=WorktreeSource(self.repo),
            store=self.store,
            open_cluster=lambda cluster: open_cluster(cluster, self.repo),
            adapters=installed(),
            now=_now,
            new_id=new_id,
            actor=Actor("test:1", "ada", "test"),
        )

    def _git(self, *arguments: str) -> None:
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
        subprocess.run(command, cwd=self.repo, check=True, capture_output=True)


def _echoing() -> list[Mapping[str, Any]]:
    return [service for service in topology()["services"] if not service.get("receives")]


def _progressing(listing: Listing) -> list[str]:
    """What its proxy has not taken yet, in words."""
    found = [one for one in listing.objects if b'"Progressing"' in one.raw]
    return [f"{one.key}: {orjson.loads(one.raw)['status']['message']}" for one in found]


def _now() -> datetime:
    return datetime.now(UTC)
