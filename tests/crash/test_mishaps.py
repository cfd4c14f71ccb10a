"""What befalls the machine during an apply of many objects: a full disk, a lock, a corrupt file, a lost state, a stop.

Each time nothing is in the cluster that is not recorded or about to be, and the next run completes it.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import reconciler
from reconciler.io.store import DATABASE, open_store
from tests.crash import doomed, ledger
from tests.crash.shop import KubeShop, Shop, Snapshot
from tests.kube.control_plane import ApiServer
from tests.kube.faults import FaultProxy
from tests.pipeline.fleet import rows
from tests.pipeline.test_kube import through

ROOT = Path(reconciler.__file__).parents[1]
POLICIES = 60
SOON = 240.0  # seconds, generous for a busy machine
#: bytes that the state may grow by: fewer than what is recorded of an apply takes in any case, enough for a part of it
ROOM = 80_000


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path, POLICIES)
    made.next_commit()
    yield made
    made.store.close()


def start(shop: Shop | KubeShop, state: Path | None = None, limit: int = 0) -> subprocess.Popen[str]:
    """An apply; ``limit``: bytes that a file may have."""
    folder = ["--state", str(state)] if state else shop.command()[:2]
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", *folder, "apply", "--repo", str(shop.repo)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None,
    )  # fmt: skip


def applied(shop: Shop | KubeShop, state: Path | None = None) -> tuple[int, str]:
    process = start(shop, state)
    told, _ = process.communicate(timeout=SOON)
    return process.returncode, told


def unannounced(shop: Shop, before: Snapshot) -> set[str]:
    """Objects that changed without an intent or an event."""
    recorded = {str(event.object) for event in shop.events(type="object.*")}
    announced = {str(intent.event.object) for intent in shop.store.pending_intents()}
    return ledger.changed(before, shop.lying()) - recorded - announced


def completed(shop: Shop, before: Snapshot, between: Snapshot) -> None:
    assert applied(shop)[0] == 0
    ledger.check(ledger.Died(before, between, shop.lying(), tuple(shop.events())))
    ledger.settled(shop)
    assert shop.lying().keys() == shop.wanted()
    again = shop.run_here()
    assert (again.code, len(again.results)) == (0, 0)


def test_a_limit_on_files_during_an_apply(shop: Shop) -> None:
    """As a quota would: the database may grow only so far."""
    shop.store.close()  # so that its write-ahead log begins anew
    process = start(shop, limit=(shop.folder / "state" / DATABASE).stat().st_size + ROOM)
    told, _ = process.communicate(timeout=SOON)
    shop.store = open_store(shop.folder / "state")
    assert process.returncode == 5, told
    assert "nothing was recorded" in told
    assert "limited by a quota" in told
    between = shop.lying()
    assert 0 < len(between) < len(shop.wanted())
    assert unannounced(shop, {}) == set()
    completed(shop, {}, between)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only; the limit on files covers it")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def used(disk: Path) -> int:
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def resize(disk: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def test_a_full_disk_during_an_apply(shop: Shop, small_disk: Path) -> None:
    shop.store.close()
    shutil.rmtree(shop.folder / "state")
    (shop.folder / "state").symlink_to(small_disk / "state")
    shop.store = open_store(small_disk / "state")
    resize(small_disk, used(small_disk) + ROOM)
    code, told = applied(shop)
    assert code == 5, told
    assert "the disk" in told
    assert "full" in told
    between = shop.lying()
    assert between  # all may be announced, and be written, before the disk is full
    assert unannounced(shop, {}) == set()
    resize(small_disk, 20_000_000)
    completed(shop, {}, between)


def test_a_database_that_another_process_keeps_locked(shop: Shop) -> None:
    assert applied(shop)[0] == 0
    shop.next_commit()
    before = shop.lying()
    with closing(sqlite3.connect(shop.folder / "state" / DATABASE)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, told = applied(shop)
        other.execute("ROLLBACK")
    assert code == 1
    assert "another process holds its write lock" in told
    assert "try again" in told
    assert "Traceback" not in told
    assert shop.lying() == before
    assert applied(shop)[0] == 0
    assert shop.lying().keys() == shop.wanted()


@pytest.mark.parametrize("damage", ["overwritten", "cut", "other"])
def test_a_corrupt_database(shop: Shop, damage: str) -> None:
    assert applied(shop)[0] == 0
    shop.store.close()
    shop.next_commit()
    before, path = shop.lying(), shop.folder / "state" / DATABASE
    whole = path.read_bytes()
    path.write_bytes(
        {"overwritten": whole[:4096] + b"\xff" * (len(whole) - 4096), "cut": whole[: len(whole) // 2],
         "other": b"not a database " * 1000}[damage]
    )  # fmt: skip
    code, told = applied(shop)
    assert code == 1, told
    assert "restore" in told
    assert "backup" in told
    assert "Traceback" not in told
    assert shop.lying() == before
    # as it says: moved away, everything is known again from the cluster
    shutil.rmtree(shop.folder / "state")
    code, told = applied(shop)
    assert code == 0, told
    shop.store = open_store(shop.folder / "state")
    ledger.check(ledger.Died(before, before, shop.lying(), tuple(shop.events())))
    assert shop.lying().keys() == shop.wanted()


def held_at_a_write(shop: Shop | KubeShop, number: int = 30) -> tuple[subprocess.Popen[str], Path]:
    """An apply that has come to this write, of which the ones before are done but those in hand. It goes on when the
    file is taken away."""
    held = shop.folder / "held"
    process = subprocess.Popen(
        [sys.executable, doomed.__file__, "write", str(held), str(number), *shop.command("apply")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    end = time.monotonic() + SOON
    while not held.exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    return process, held


def test_stopped_in_the_middle(shop: Shop) -> None:
    process, held = held_at_a_write(shop)
    process.send_signal(signal.SIGTERM)
    held.unlink()
    told, _ = process.communicate(timeout=SOON)
    between = shop.lying()
    assert process.returncode in (2, 5), told
    assert 10 < len(between) < len(shop.wanted())
    ledger.settled(shop)
    assert {str(event.object) for event in shop.events(type="object.*")} == between.keys()
    completed(shop, {}, between)


@pytest.fixture
def served(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[KubeShop]:
    made = KubeShop(tmp_path, kube, fresh_namespace, POLICIES)
    made.next_commit()
    yield made
    made.store.close()


def test_stopped_before_a_server_that_hangs(served: KubeShop, fault_proxy: FaultProxy) -> None:
    """The answers do not come; what was sent is looked up by the next run."""
    limits = {"timeout": "300s", "qps": 1000, "burst": 1000}
    served.cluster("c0", {"kubeconfig": {"path": through(served, fault_proxy)}}, limits=limits)
    served.next_commit()
    process, held = held_at_a_write(served)
    fault_proxy.delay = 300.0
    process.send_signal(signal.SIGTERM)
    held.unlink()
    process.communicate(timeout=120)
    fault_proxy.delay = 0.0
    between = served.lying()
    assert applied(served)[0] == 0
    ledger.check(ledger.Died({}, between, served.lying(), tuple(served.events())))
    ledger.settled(served)


def test_state_lost_on_an_api_server(served: KubeShop) -> None:
    assert applied(served)[0] == 0
    served.meddle(random.Random(1), 1)
    before = served.lying()
    served.store.close()
    shutil.rmtree(served.folder / "state")
    served.store = open_store(served.folder / "state")
    served.run_here()
    # the object that was edited is healed, and no other is touched
    assert len(ledger.changed(before, served.lying())) == 1
    shutil.rmtree(served.folder / "state")
    served.store.close()
    served.store = open_store(served.folder / "state")
    before = served.lying()
    served.next_commit()
    run = served.run_here()
    assert run.code == 0
    assert served.lying().keys() == served.wanted()
    ledger.check(ledger.Died(before, before, served.lying(), tuple(served.events())))
    assert rows(served.run_here())["c0/mesh"] == {"ok": len(served.wanted())}
