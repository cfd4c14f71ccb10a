"""What a sick cluster costs the others: rounds of a daemon over folders, without and with one that hangs.

    python -m tests.bench.isolation [CLUSTERS] [ROUNDS]

Prints the seconds of a round (median), the first round of an outage, and the ratio of all rounds after it.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.io.clusters import open_cluster
from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.io.ids import new_id
from reconciler.model import clusters
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.breaker import Breakers
from reconciler.pipeline.world import Request, World
from reconciler.ports import Inspection
from tests.pipeline.fleet import Fleet


class Hanging(DirectoryCluster):
    hangs = False

    async def inspect(self, kinds: Any) -> Inspection:
        if self.hangs:
            await asyncio.Event().wait()
        return await super().inspect(kinds)


def now() -> datetime:
    return datetime.now(UTC)


async def rounds(world: World, number: int) -> list[float]:
    taken = []
    for _ in range(number):
        started = time.perf_counter()
        await pipeline.apply(world, Request())
        taken.append(time.perf_counter() - started)
    return taken


def main(clusters: int = 10, number: int = 40) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), {f"c{i:02}": None for i in range(clusters)})
        sick = Hanging("c00", fleet.repo / "live/c00", fleet.repo / "facts/c00", fleet.repo)

        def opened(document: clusters.Cluster) -> Any:
            return sick if document.name == "c00" else open_cluster(document, fleet.repo)

        world = replace(fleet.world(), open_cluster=opened, now=now, new_id=new_id, breakers=Breakers(now, lambda: 0.5))
        asyncio.run(rounds(world, 3))
        well = asyncio.run(rounds(world, number))
        sick.hangs = True
        (first,) = asyncio.run(rounds(world, 1))
        ill = asyncio.run(rounds(world, number))
        fleet.store.close()
    before, after = statistics.median(well), statistics.median(ill)
    sys.stdout.write(
        f"{clusters} clusters, one hangs: {before:.3f} s a round before, {first:.3f} s the first one, "
        f"{after:.3f} s after it: {after / before:.3f} of before\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
