"""Kills ``reconciler apply`` at many moments; the next run completes the record, whatever the moment was.

``make crash`` sets CRASH_POINTS and CRASH_OBJECTS; SEED repeats a campaign. Random moments are uniform over the
measured time of an apply; the others are those around each durable step, as the process itself comes to them.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import reconciler
from tests.crash import doomed, ledger
from tests.crash.shop import KubeShop, Shop
from tests.kube.control_plane import ApiServer

ROOT = Path(reconciler.__file__).parents[1]
LONG = "CRASH_POINTS" in os.environ
POINTS = int(os.environ.get("CRASH_POINTS", "4"))
OBJECTS = int(os.environ.get("CRASH_OBJECTS", "100"))
#: the short campaign is always the same
SEED = os.environ.get("SEED") or (str(int(time.time() * 1000) % 1_000_000) if LONG else "1")
PER_SHOP = 20  # points; then a new repository and state, for the log grows by all objects with each
MEDDLED = 4
AnyShop = Shop | KubeShop
#: what the process comes to, and on which side of it it dies
STEPS = [(what, when) for what in sorted(doomed.MOMENTS) for when in ("before", "after")]


@dataclass
class Campaign:
    """One shop and the runs on it. ``seconds``: how long an apply of it takes."""

    shop: AnyShop
    chance: random.Random
    seconds: float = 0.0

    def start(self) -> Campaign:
        self.shop.next_commit()
        assert self.wait(self.process()) == 0
        self.shop.next_commit()
        began = time.monotonic()
        assert self.wait(self.process()) == 0
        self.seconds = time.monotonic() - began
        return self

    def process(self, *doom: object) -> subprocess.Popen[bytes]:
        starter = [str(Path(doomed.__file__)), *map(str, doom)] if doom else ["-m", "reconciler"]
        return subprocess.Popen(
            [sys.executable, *starter, *self.shop.command("apply")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        told, _ = process.communicate(timeout=240)
        assert process.returncode in (0, -signal.SIGKILL), told.decode()[-3000:]
        return process.returncode

    def killed_after(self, seconds: float) -> int:
        process = self.process()
        time.sleep(seconds)
        process.kill()
        return self.wait(process)

    def point(self, kill: Callable[[], int]) -> str:
        """One death and the run after it, checked; what the death left."""
        shop = self.shop
        seen = len(shop.events())
        meddled = shop.meddle(self.chance, MEDDLED)
        shop.next_commit()
        before = shop.lying()
        code = kill()
        between, opened = shop.lying(), len(shop.store.pending_intents())
        assert self.wait(self.process()) == 0
        after, events = shop.lying(), tuple(shop.events()[seen:])
        ledger.check(ledger.Died(before, between, after, events))
        ledger.drift_told(events, meddled & shop.wanted())
        ledger.settled(shop)
        assert after.keys() == shop.wanted()
        again = shop.run_here()
        assert (again.code, again.recovered, len(again.results)) == (0, 0, 0)
        assert shop.lying() == after
        assert {item.event for item in after.values()} <= {event.id for event in shop.events()}
        if code == 0:
            return "ended before"
        done = len(ledger.changed(before, between))
        told = "nothing written" if not done else "all written" if between.keys() == after.keys() and not (
            ledger.changed(between, after)) else "part written"  # fmt: skip
        return f"{told}, {'intents open' if opened else 'none open'}"


def chance(name: str) -> random.Random:
    print(f"\nSEED={SEED}")
    return random.Random(f"{SEED}/{name}")


def policies(objects: int) -> int:
    return objects * 4 // 5  # a third of them with subsets; one in 17 is out


def directory(folder: Path, name: str) -> Campaign:
    return Campaign(Shop(folder, policies(OBJECTS)), chance(name)).start()


@pytest.fixture
def close() -> Iterator[list[AnyShop]]:
    shops: list[AnyShop] = []
    yield shops
    for shop in shops:
        shop.store.close()


@pytest.mark.parametrize("lot", range(-(-POINTS // PER_SHOP)))
def test_random_moments(tmp_path: Path, close: list[AnyShop], lot: int) -> None:
    campaign = directory(tmp_path, f"random {lot}")
    close.append(campaign.shop)
    _random_moments(campaign, min(PER_SHOP, POINTS - lot * PER_SHOP))


def _random_moments(campaign: Campaign, points: int) -> None:
    left: Counter[str] = Counter()
    for point in range(points):
        seconds = campaign.chance.uniform(0, campaign.seconds)
        print(f"point {point}: killed after {seconds:.3f} s of {campaign.seconds:.3f} s")
        left[campaign.point(lambda after=seconds: campaign.killed_after(after))] += 1
    print(dict(left))


def _steps(campaign: Campaign, steps: list[tuple[str, str]], furthest: dict[str, int]) -> None:
    left: Counter[str] = Counter()
    for what, when in steps:
        count = campaign.chance.randint(1, furthest.get(what, 2))
        print(f"killed {when} {what} number {count}")
        left[campaign.point(lambda doom=(what, when, count): campaign.wait(campaign.process(*doom)))] += 1
    print(dict(left))
    assert left["ended before"] < max(2, len(steps) // 2)


def furthest(objects: int) -> dict[str, int]:
    """How often each step comes in an apply, about."""
    turns = max(2, objects // 40)
    often = {"intents": 2, "outcomes": turns, "commit": turns, "head": turns, "write": objects * 3 // 4}
    return {**often, "delete": max(1, objects // 20), "strip": 2, "lease": 1, "release": 1, "proofs": 1, "events": 2}


@pytest.mark.parametrize("lot", range(6 if LONG else 1))
def test_moments_around_each_durable_step(tmp_path: Path, close: list[AnyShop], lot: int) -> None:
    campaign = directory(tmp_path, f"steps {lot}")
    close.append(campaign.shop)
    _steps(campaign, STEPS if LONG else campaign.chance.sample(STEPS, 3), furthest(OBJECTS))


@pytest.fixture
def served(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str, close: list[AnyShop]) -> KubeShop:
    shop = KubeShop(tmp_path, kube, fresh_namespace, policies(OBJECTS if LONG else 60))
    close.append(shop)
    return shop


def test_random_moments_on_an_api_server(served: KubeShop) -> None:
    campaign = Campaign(served, chance("served")).start()
    _random_moments(campaign, 20 if LONG else 1)


def test_durable_steps_on_an_api_server(served: KubeShop) -> None:
    campaign = Campaign(served, chance("served steps")).start()
    steps = [("write", "after"), ("strip", "after"), ("delete", "after"), ("outcomes", "before")]
    _steps(campaign, steps * 3 if LONG else campaign.chance.sample(steps, 1), furthest(OBJECTS if LONG else 60))
