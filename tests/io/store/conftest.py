"""Events to record, stores to record them in, and processes that write at the same time."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler.io.ids import new_id
from reconciler.io.store import open_store
from reconciler.io.store.memory import MemoryStore
from reconciler.io.store.sql import SqlStore
from reconciler.model.commits import Commit
from reconciler.model.events import Actor, AuditEvent, EventOrigin, Intent
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.ports import Store

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EVENT = AuditEvent(
    id="",
    time=START,
    run="run-1",
    type="object.updated",
    actor=Actor("host:1", "root", "schedule"),
    commit=Commit("a" * 40, "Ann <ann@example.org>", START, "Bob <bob@example.org>", START, "Split\n\nmore"),
    origins=(EventOrigin("policies/traffic/reviews.yaml", 3, "TrafficPolicy", "default/reviews"),),
    target=TargetId("eu-1", "istio-eu"),
    object=ObjectKey("networking.example.org", "VirtualService", "shop", "reviews"),
    before="b1",
    after="a1",
    fields=({"path": "spec.http[0].timeout", "op": "change", "before": "1s", "after": "2s"},),
    result="changed",
    duration=0.25,
)

Make = Callable[..., AuditEvent]


@pytest.fixture
def make() -> Make:
    """An event with a new id; ``minute`` moves its time, the other arguments are fields."""

    def made(minute: int = 0, **changes: Any) -> AuditEvent:
        return replace(EVENT, **{"id": new_id(), "time": START + timedelta(minutes=minute), **changes})

    return made


@pytest.fixture
def intend(make: Make) -> Callable[..., Intent]:
    def made(**changes: Any) -> Intent:
        event = make(**changes)
        return Intent(event.id, event, "17", "d1")

    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def sql(folder: Path) -> Iterator[SqlStore]:
    store = open_store(folder)
    yield store
    store.close()


@pytest.fixture(params=["sql", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each store that there is: what is tested of one holds for all."""
    return request.getfixturevalue("sql") if request.param == "sql" else MemoryStore()


@pytest.fixture
def start() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start worker.py in a process of its own; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []
    root = str(Path(reconciler.__file__).parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path}

    def started(command: str, folder: Path, *arguments: object) -> "subprocess.Popen[str]":
        line = [sys.executable, str(Path(__file__).with_name("worker.py")), command, str(folder), *map(str, arguments)]
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment))
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only: run the tests as root to include this one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
