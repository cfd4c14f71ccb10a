"""What happens inside one process of ours, measured there; a subprocess prints it as JSON on its last line.

``python -m tests.bench.inside rounds --repo DIR --state DIR --count N`` runs rounds as the daemon does, in one loop;
``... bodies`` prints the objects that a plan would write; ``... send SERVER FOLDER`` sends those of a folder raw.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.io.clusters import open_cluster
from reconciler.io.ids import new_id
from reconciler.io.store import open_store
from reconciler.io.worktree import WorktreeSource
from reconciler.model.events import Actor
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.breaker import Breakers
from reconciler.pipeline.meshes import installed
from reconciler.pipeline.world import Request, World, keeping_connections
from reconciler.pipeline.writing import Writing
from tests.bench.estate import ROUTES
from tests.bench.raw import Call, send_all
from tests.kube.control_plane import ApiServer

MIB = 1024 * 1024


def now() -> datetime:
    return datetime.now(UTC)


def resident() -> float:
    """MiB that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


@contextmanager
def _world(repo: Path, state: Path) -> Iterator[World]:
    store = open_store(state)
    try:
        yield World(
            source=WorktreeSource(repo),
            store=store,
            open_cluster=lambda cluster: open_cluster(cluster, repo),
            adapters=installed(),
            now=now,
            new_id=new_id,
            actor=Actor(f"bench:{os.getpid()}", "ada", "bench"),
            breakers=Breakers(now, random.random),
        )
    finally:
        store.close()


def _timed_writing(seconds: list[float]) -> None:
    """Note how long the write phase of every run takes."""
    run = Writing.run

    async def timed(self: Writing, *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return await run(self, *arguments)
        finally:
            seconds.append(time.perf_counter() - started)

    Writing.run = timed  # type: ignore[method-assign]


async def _rounds(world: World, count: int, samples: int) -> dict[str, Any]:
    async with keeping_connections(world) as kept:
        return await _rounds_in(kept, count, samples)


async def _rounds_in(world: World, count: int, samples: int) -> dict[str, Any]:
    writes: list[float] = []
    _timed_writing(writes)
    rounds: list[float] = []
    memory: dict[int, float] = {}
    codes: set[int] = set()
    for number in range(1, count + 1):
        started = time.perf_counter()
        done = await pipeline.apply(world, Request())
        rounds.append(time.perf_counter() - started)
        codes.add(done.code)
        if number % max(1, count // samples) == 0:
            memory[number] = round(resident(), 1)
    return {"rounds": rounds, "writes": writes, "memory": memory, "codes": sorted(codes)}


async def _bodies(world: World) -> list[Any]:
    planned = (await pipeline.plan(world, Request())).planned
    assert planned.plan is not None, planned.findings
    return [change.desired for change in planned.plan.changes if change.writes]


def _send(server: Path, folder: Path) -> dict[str, Any]:
    """Objects in files, one each, as PATCH requests like ours."""
    named = ApiServer(server.parent, server.name)
    named.port = int((server / "port").read_text())
    query = "?fieldManager=mesh-reconciler&force=false"
    calls = [
        Call("PATCH", f"{ROUTES}/{path.stem}{query}", path.read_bytes(), "application/apply-patch+yaml")
        for path in sorted(folder.glob("*.json"))
    ]
    return {"seconds": send_all(named, calls), "calls": len(calls)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["rounds", "bodies", "send"])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--repo", type=Path)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--samples", type=int, default=10)
    args = parser.parse_args()
    if args.what == "send":
        print(json.dumps(_send(*args.folders)))
        return
    with _world(args.repo, args.state) as world:
        if args.what == "bodies":
            print(json.dumps(asyncio.run(_bodies(world))))
        else:
            found = asyncio.run(_rounds(world, args.count, args.samples))
            sys.stdout.flush()
            print(json.dumps(found))


if __name__ == "__main__":
    main()
