"""Real processes on one state folder: side by side, and one that is frozen in the middle of its writes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler.io.ids import new_id
from reconciler.io.store import DATABASE
from reconciler.model.events import Intent
from reconciler.model.leases import Lease
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import Request, World
from reconciler.ports import LeaseLost
from tests.kube.control_plane import ApiServer
from tests.kube.faults import FaultProxy
from tests.pipeline.fleet import Fleet, rows
from tests.pipeline.test_kube import KubeFleet, through

OBJECTS = 40
ROOT = Path(reconciler.__file__).parents[1]
SCRIPT = Path(__file__).with_name("writer.py")
SHORTEST = 3.0
Process = subprocess.Popen[str]


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Start a Python process; what still runs at the end is killed."""
    running: list[Process] = []

    def started(*arguments: object) -> Process:
        line = [sys.executable, *map(str, arguments)]
        pipe, environment = subprocess.PIPE, {**os.environ, "PYTHONPATH": str(ROOT)}
        running.append(subprocess.Popen(line, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=environment))
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.communicate()


def until(holds: Callable[[], bool], seconds: float, say: Callable[[], str] = str) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, say()
        time.sleep(0.05)


def write_policies(fleet: Fleet, timeout: str, namespace: str = "shop") -> str:
    for number in range(OBJECTS):
        fleet.policy(f"s{number:02}", f"{{to: [s{number:02}.{namespace}], rule: {{timeout: {timeout}}}}}")
    return fleet.commit(f"everything in {timeout}")


def directories(fleet: Fleet, *names: str) -> None:
    for name in ("reviews", "cart"):
        fleet.remove(f"policies/{name}.yaml")
    for name in names:
        connection = {"directory": {"path": f"live/{name}", "facts": f"facts/{name}"}}
        fleet.cluster(name, connection, limits={"timeout": "200ms"})


def real_world(fleet: Fleet) -> World:
    """This process as a writer of its own, with the real clock."""
    return replace(fleet.world(), now=lambda: datetime.now(UTC), new_id=new_id, shortest_lease=SHORTEST)


def apply(world: World) -> Run:
    import asyncio

    return asyncio.run(pipeline.apply(world, Request()))


def writes(fleet: Fleet, **filters: str) -> Counter[tuple[str, str, str]]:
    """How often each object of each target was recorded as written, per commit."""
    events = fleet.events(type="object.*", **filters)
    assert {event.result for event in events} <= {"changed"}
    return Counter((str(e.target), str(e.object), e.commit.sha if e.commit else "") for e in events)


def recorded_once(fleet: Fleet, targets: int, commits: int) -> None:
    found = writes(fleet)
    assert {key: count for key, count in found.items() if count > 1} == {}
    assert len(found) == targets * commits * OBJECTS
    assert fleet.store.pending_intents() == []
    assert fleet.store.verify() == len(fleet.events())


def tokens_are_of_one_run_each(fleet: Fleet) -> None:
    """Under each token one run wrote, and the tokens of a target grow along the log."""
    seen: dict[str, list[tuple[int, str]]] = {}
    for event in fleet.events(type="object.*"):
        seen.setdefault(str(event.target), []).append((event.details["lease"], event.run))
    for pairs in seen.values():
        assert [token for token, _ in pairs] == sorted(token for token, _ in pairs)
        assert len(dict.fromkeys(pairs)) == len({token for token, _ in pairs})


def test_applies_at_the_same_time_write_each_object_once(two: Fleet, start: Callable[..., Process]) -> None:
    directories(two, "eu", "us")
    for commit, timeout in enumerate(("1s", "2s"), 1):
        write_policies(two, timeout)
        command = ("-m", "reconciler", "--state", two.folder / "state", "apply", "--repo", two.repo)
        processes = [start(*command) for _ in range(3)]
        told = [process.communicate(timeout=240)[0] for process in processes]
        assert {process.returncode for process in processes} <= {0, 2}, told
        for process, text in zip(processes, told, strict=True):
            assert (process.returncode == 2) == ("held-elsewhere" in text), text
        # what one of them left to another that then found it out of date is done by the next
        assert apply(real_world(two)).code == 0
        recorded_once(two, targets=2, commits=commit)
        for cluster in ("eu", "us"):
            bodies = two.live(cluster).values()
            assert [body["spec"]["http"][0]["timeout"] for body in bodies] == [timeout] * OBJECTS
    tokens_are_of_one_run_each(two)


@pytest.fixture
def served(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[KubeFleet]:
    """One API server; requests to it may take four seconds, and do not go out all at once."""
    made = KubeFleet(tmp_path, [kube], fresh_namespace)
    for name in ("reviews", "cart"):
        made.remove(f"policies/{name}.yaml")
    limits = {"timeout": "4s", "qps": 30, "burst": 8}
    made.cluster("c0", {"kubeconfig": {"path": str(kube.kubeconfig)}}, limits=limits)
    yield made
    made.store.close()


def objects(fleet: KubeFleet) -> dict[str, dict[str, Any]]:
    status, listed = fleet.servers[0].request("GET", fleet.url("virtualservices"))
    assert status == 200, listed
    return {item["metadata"]["name"]: item for item in listed["items"]}


def of_each(fleet: KubeFleet, field: str) -> dict[str, Any]:
    return {name: item["metadata"][field] for name, item in objects(fleet).items()}


def test_two_daemons_write_each_object_once(served: KubeFleet, start: Callable[..., Process]) -> None:
    fleet = served
    limits = {"timeout": "60s", "qps": 30, "burst": 8}
    fleet.cluster("c0", {"kubeconfig": {"path": str(fleet.servers[0].kubeconfig)}}, limits=limits)
    write_policies(fleet, "1s", fleet.namespace)
    command = ("-m", "reconciler", "--state", fleet.folder / "state", "run", "--repo", fleet.repo, "--interval", "0.5")
    daemons = [start(*command) for _ in range(2)]
    logs: list[str] = []
    readers = [threading.Thread(target=lambda d=d: logs.extend(d.stdout)) for d in daemons]
    for reader in readers:
        reader.start()
    for commit, timeout in enumerate(("1s", "2s", "3s"), 1):
        if commit > 1:
            write_policies(fleet, timeout, fleet.namespace)
            for daemon in daemons:
                daemon.send_signal(signal.SIGHUP)
        until(lambda n=commit: len(writes(fleet)) == n * OBJECTS, 240, lambda: "".join(logs[-20:]))
    settled = of_each(fleet, "resourceVersion")
    time.sleep(2)
    for daemon in daemons:
        daemon.send_signal(signal.SIGTERM)
    for daemon, reader in zip(daemons, readers, strict=True):
        assert daemon.wait(120) == 0, "".join(logs)
        reader.join(60)
    recorded_once(fleet, targets=1, commits=3)
    tokens_are_of_one_run_each(fleet)
    assert of_each(fleet, "resourceVersion") == settled
    assert set(of_each(fleet, "generation").values()) == {3}
    # both of them wrote at one time or another, or one saw the other at work: else this showed nothing
    instances = {event.actor.instance for event in fleet.events(type="run.finished")}
    assert len(instances) == 2


def next_line(process: Process, word: str) -> str:
    assert process.stdout
    told = []
    for line in process.stdout:
        told.append(line)
        if line.startswith(word):
            return line
    raise AssertionError(f"it ended, with code {process.wait(60)}: {''.join(told)}")


@contextmanager
def frozen(fleet: Fleet, process: Process) -> Iterator[None]:
    """Stopped between two transactions: one that is stopped within one keeps the whole database locked."""
    while True:
        process.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(fleet.folder / "state" / DATABASE, timeout=0.2)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                break
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def taken_over(fleet: Fleet, target: str) -> tuple[Lease, Run]:
    """The lease of the frozen writer, and the run of this process after it ran out."""
    stale = fleet.store.lease_holder(f"target/{target}")
    assert stale is not None
    run = apply(real_world(fleet))
    if datetime.now(UTC) < stale.until:
        assert rows(run)[target].get("skipped", 0) > 0
        assert "changed" not in rows(run)[target]
        assert stale.holder in " ".join(str(finding) for finding in run.planned.findings)
    if "skipped" in rows(run)[target]:
        time.sleep(max(0.0, (stale.until - datetime.now(UTC)).total_seconds()) + 0.05)
        run = apply(real_world(fleet))
    assert run.code == 0
    return stale, run


def cannot_record(fleet: Fleet, stale: Lease) -> None:
    event = replace(fleet.events(type="object.*")[0], id=new_id())
    with pytest.raises(LeaseLost, match="is lost"):
        fleet.store.open_intents([Intent(event.id, event, "", "")], [stale])


def stopped_before_its_next_object(process: Process) -> None:
    told = process.communicate(timeout=240)[0]
    assert process.returncode in (2, 4), told  # 4: a request under way had no answer in its time
    assert "held-elsewhere" in told
    outcomes = Counter(line.split()[0] for line in told.splitlines())
    assert outcomes["skipped"] >= OBJECTS - 32, told
    assert outcomes["changed"] < OBJECTS // 2, told  # the rest of the first lots, told before it was frozen


def test_frozen_writer_stops_before_its_next_object(fleet: Fleet, start: Callable[..., Process]) -> None:
    directories(fleet, "eu")
    write_policies(fleet, "1s")
    process = start(SCRIPT, fleet.repo, fleet.folder / "state", SHORTEST, 0.3)
    next_line(process, "changed")  # the first ones are recorded
    next_line(process, "wrote")  # and of the next, one is written and others are not
    with frozen(fleet, process):
        stale, run = taken_over(fleet, "eu/mesh")
        written = [event for event in fleet.events(type="object.*") if event.details.get("recovered")]
        assert 0 < len(written) < run.recovered
        live = fleet.live()
        lies = {path: path.stat().st_mtime_ns for path in (fleet.repo / "live/eu").rglob("*.yaml")}
    stopped_before_its_next_object(process)
    assert fleet.live() == live
    assert {path: path.stat().st_mtime_ns for path in (fleet.repo / "live/eu").rglob("*.yaml")} == lies
    cannot_record(fleet, stale)
    recorded_once(fleet, targets=1, commits=1)
    tokens = {event.details["lease"] for event in fleet.events(type="object.*", run=run.id)}
    assert min(tokens) > stale.token


def test_frozen_writer_before_a_slow_server(
    served: KubeFleet, fault_proxy: FaultProxy, start: Callable[..., Process]
) -> None:
    """When it is frozen the server has carried out requests of which nobody was told, and others wait to be sent."""
    fleet = served
    write_policies(fleet, "1s", fleet.namespace)
    process = start(SCRIPT, fleet.repo, fleet.folder / "state", SHORTEST, 0, through(fleet, fault_proxy))
    until(lambda: len(objects(fleet)) > 0, 120)
    fault_proxy.delay = 1.0
    next_line(process, "changed")
    until(lambda: len(objects(fleet)) > 18, 120)
    with frozen(fleet, process):
        assert len(objects(fleet)) < OBJECTS
        stale, run = taken_over(fleet, "c0/mesh")
        settled = of_each(fleet, "resourceVersion")
        fault_proxy.delay = 0.0
    stopped_before_its_next_object(process)
    assert of_each(fleet, "resourceVersion") == settled
    assert set(of_each(fleet, "generation").values()) == {1}
    cannot_record(fleet, stale)
    recorded_once(fleet, targets=1, commits=1)
    assert {event.details.get("recovered", False) for event in fleet.events(type="object.*")} == {True, False}
    assert run.recovered > 0


def test_killed_writer_is_followed_at_once(fleet: Fleet, start: Callable[..., Process]) -> None:
    """Its lease has an hour to run, but everybody can see that it is dead."""
    directories(fleet, "eu")
    write_policies(fleet, "1s")
    process = start(SCRIPT, fleet.repo, fleet.folder / "state", 3600, 0.3)
    next_line(process, "changed")
    next_line(process, "wrote")
    process.kill()
    process.wait(60)
    run = apply(real_world(fleet))
    assert run.code == 0
    assert run.recovered > 0
    recorded_once(fleet, targets=1, commits=1)
