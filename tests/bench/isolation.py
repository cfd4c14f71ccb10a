"""What a sick cluster costs the others: rounds of a daemon over folders, without and with one that hangs.

    python -m tests.bench.isolation [CLUSTERS] [ROUNDS]

Prints for how long a round kept the healthy clusters (to the last of their requests; median), in rounds before an
outage, in the first one of each of several outages, and in the rounds after those.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.io.ids import new_id
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.breaker import Breakers
from reconciler.pipeline.world import Request, World
from reconciler.ports import Inspection, Listing, Written
from tests.pipeline.fleet import Fleet

T = TypeVar("T")


class Watched(DirectoryCluster):
    """``hangs`` once it is asked; ``last`` is when any healthy one was asked last."""

    hangs = False
    last = 0.0

    async def inspect(self, kinds: Any) -> Inspection:
        return await self._watched(super().inspect(kinds))

    async def list_objects(self, kinds: Any) -> Listing:
        return await self._watched(super().list_objects(kinds))

    async def apply(self, body: Mapping[str, Any], kind: Any, *, force: bool) -> Written:
        return await self._watched(super().apply(body, kind, force=force))

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        if self.hangs:
            work.close()
            await asyncio.Event().wait()
        done = await work
        Watched.last = time.perf_counter()
        return done


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Outages:
    """Rounds over ``clusters`` folders of which the first one hangs at times; a change is written in each round."""

    fleet: Fleet
    world: World
    sick: Watched
    number: int = 0

    async def round(self) -> float:
        """Seconds until the last request to a healthy cluster was answered."""
        self.number += 1
        self.fleet.policy("cart", f"{{to: [cart.shop], rule: {{timeout: {self.number}s}}}}")
        self.fleet.commit("another timeout")
        started = time.perf_counter()
        await pipeline.apply(self.world, Request())
        return Watched.last - started

    async def rounds(self, number: int) -> list[float]:
        return [await self.round() for _ in range(number)]

    async def outage(self) -> tuple[float, list[float]]:
        """The first round of it, and some after that; then the cluster is well again."""
        self.sick.hangs = True
        first, after = await self.round(), await self.rounds(3)
        self.sick.hangs = False
        assert self.world.breakers is not None
        self.world.breakers.closed(self.sick.name)
        return first, after


def main(clusters: int = 10, number: int = 8) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), {f"c{i:02}": None for i in range(clusters)})
        repo = fleet.repo
        opened = {name: Watched(name, repo / "live" / name, repo / "facts" / name, repo) for name in fleet.connections}
        world = replace(
            fleet.world(),
            open_cluster=lambda document: opened[document.name],
            now=now,
            new_id=new_id,
            breakers=Breakers(now, lambda: 0.5),
        )
        asyncio.run(_measure(Outages(fleet, world, opened["c00"]), clusters, number))
        fleet.store.close()


async def _measure(outages: Outages, clusters: int, number: int) -> None:
    await outages.rounds(3)
    well, first, after = [], [], []
    for _ in range(number):
        well += await outages.rounds(3)
        begun, rest = await outages.outage()
        first.append(begun)
        after += rest
        await outages.rounds(1)
    before = statistics.median(well)
    sys.stdout.write(
        f"{clusters} clusters, one hangs: the others are done after {before:.3f} s before an outage,"
        f" {statistics.median(first):.3f} s in its first round ({statistics.median(first) / before:.3f} of before),"
        f" {statistics.median(after):.3f} s after it ({statistics.median(after) / before:.3f})\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
