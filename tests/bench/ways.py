"""The measurements. What is compared runs in turns, on the same machine at the same time."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.counting import counted
from tests.bench.estate import NAMESPACE, Estate, estate, furnish, kubeconfig, service_body, wipe
from tests.bench.processes import OURS, Ran, inside, run
from tests.bench.rivals import Rivals, missing
from tests.kube.control_plane import ApiServer

MESH = "istio"
ANSIBLE_OBJECTS = 100
FLEET_OBJECTS = 10
Numbers = dict[str, Any]


@dataclass
class Turns:
    """Seconds by what was done, one for each turn."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, what: str, seconds: float) -> float:
        self.taken[what].append(seconds)
        return seconds

    def medians(self) -> dict[str, float]:
        return {what: median(seconds) for what, seconds in self.taken.items()}


def apply(place: Estate) -> Ran:
    return run([OURS, "--state", str(place.state), "apply", "--repo", str(place.repo)])


def rounds(place: Estate, count: int) -> Numbers:
    ran = run(inside("rounds", "--repo", str(place.repo), "--state", str(place.state), "--count", str(count)))
    return {**json.loads(ran.out.splitlines()[-1]), "peak": ran.peak}


def compiling(policies: int, clusters: int) -> Numbers:
    """In a process of its own: how much lives in it decides how long the collector of cycles takes."""
    command = [sys.executable, "-m", "tests.bench.compiling", str(policies), str(clusters)]
    return dict(json.loads(run(command).out.splitlines()[-1]))


def forget(place: Estate) -> None:
    shutil.rmtree(place.state, ignore_errors=True)


def _contend(server: ApiServer, place: Estate, rivals: Rivals, turns: Turns) -> None:
    """One turn of everybody, each from an empty namespace."""
    wipe(server)
    forget(place)
    turns.add("ours cold", apply(place).seconds)
    turns.add("ours unchanged", apply(place).seconds)
    inner = rounds(place, 6)
    turns.add("ours unchanged in the daemon", median(inner["rounds"][1:]))
    wipe(server)
    forget(place)
    turns.add("ours cold, write phase", rounds(place, 1)["writes"][0])
    wipe(server)
    turns.add("raw requests", rivals.raw())
    if "kubectl" not in missing():
        wipe(server)
        turns.add("kubectl apply cold", rivals.kubectl("apply").seconds)
        turns.add("kubectl apply unchanged", rivals.kubectl("apply").seconds)
        turns.add("kubectl diff unchanged", rivals.kubectl("diff").seconds)


def thousand(server: ApiServer, folder: Path, size: int, turns_wanted: int) -> Numbers:
    """Cold and unchanged, by everybody."""
    furnish(server, size)
    place = estate(folder, {server.name: kubeconfig(server)}, size, MESH)
    wipe(server)
    rivals = Rivals(server, folder / "objects")
    bodies = json.loads(run(inside("bodies", "--repo", str(place.repo), "--state", str(place.state))).out)
    assert len(bodies) == size, len(bodies)
    rivals.write(bodies)
    turns = Turns()
    for _ in range(turns_wanted):
        _contend(server, place, rivals, turns)
    found: Numbers = {"objects": size, "seconds": turns.medians(), "turns": dict(turns.taken)}
    if "ansible" not in missing():
        wipe(server)
        taken = rivals.ansible(min(size, ANSIBLE_OBJECTS)).seconds
        found["seconds"]["ansible cold, scaled"] = taken * size / min(size, ANSIBLE_OBJECTS)
    wipe(server)
    forget(place)
    apply(place)
    with counted(server) as calls:
        apply(place)
    found["calls of the unchanged pass"] = calls
    wipe(server)
    return found


def many(server: ApiServer, folder: Path, size: int) -> Numbers:
    """So many objects: cold once, then unchanged; memory and calls."""
    furnish(server, size)
    place = estate(folder, {server.name: kubeconfig(server)}, size, MESH)
    cold = apply(place)
    with counted(server) as calls:
        unchanged = apply(place)
    in_daemon = rounds(place, 5)
    found = {
        "objects": size,
        "seconds": {"ours cold": cold.seconds, "ours unchanged": unchanged.seconds,
                    "ours unchanged in the daemon": median(in_daemon["rounds"][1:])},
        "peak MiB": {"cold": cold.peak, "unchanged": unchanged.peak, "5 rounds of the daemon": in_daemon["peak"]},
        "calls of the unchanged pass": calls,
    }  # fmt: skip
    wipe(server)
    return found


def first_write(servers: Sequence[ApiServer], folder: Path, size: int, commits: int) -> Numbers:
    """From a commit (and SIGHUP) to the first write on each cluster, by a running daemon."""
    for server in servers:
        furnish(server, size)
        wipe(server)
    place = estate(folder, {server.name: kubeconfig(server) for server in servers}, size, MESH)
    log = folder / "daemon.log"
    taken: list[float] = []
    with log.open("wb") as out:
        argv = [OURS, "--state", str(place.state), "run", "--repo", str(place.repo), "--interval", "3600",
                "--log-format", "json"]  # fmt: skip
        daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        names = {server.name for server in servers}
        _await_writes(log, 0.0, names, size)
        for number in range(1, commits + 1):
            place.policies(range(size), seconds=3 + number)
            place.commit(f"slower {number}")
            started = time.time()
            daemon.send_signal(signal.SIGHUP)
            taken += _await_writes(log, started, names, size)
    finally:
        daemon.terminate()
        daemon.wait(30)
    for server in servers:
        wipe(server)
    return {"clusters": len(servers), "commits": commits, "median": median(taken), "slowest": max(taken)}


def _lines(log: Path) -> list[Numbers]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def _await_writes(log: Path, started: float, clusters: set[str], size: int) -> list[float]:
    """Wait until every object was written on every cluster since then; seconds to the first one on each. A cluster
    that is late, and is written to beside the round, counts like the others."""
    end = time.monotonic() + 240
    while True:
        times: dict[str, list[float]] = {name: [] for name in clusters}
        for line in _lines(log):
            at = datetime.fromisoformat(line["timestamp"]).timestamp()
            if line["event"] == "object" and at > started:
                times[line["cluster"]].append(at - started)
        if all(len(found) >= size for found in times.values()):
            return [min(found) for found in times.values()]
        if time.monotonic() > end:
            raise TimeoutError(log.read_text()[-3000:])
        time.sleep(0.05)


def directories(folder: Path, count: int, size: int) -> Estate:
    """So many clusters that are folders, with ``size`` services and policies each."""
    names = [f"c{number:03}" for number in range(count)]
    connections = {name: {"directory": {"path": f"live/{name}", "facts": f"facts/{name}"}} for name in names}
    place = estate(folder, connections, size, MESH)
    labels = {"istio-injection": "enabled"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    for name in names:
        facts = place.repo / "facts" / name
        facts.mkdir(parents=True)
        (facts / "namespace.json").write_text(json.dumps(namespace))
        for number in range(size):
            (facts / f"{number}.json").write_text(json.dumps(service_body(number)))
    return place


def growth(folder: Path, count: int) -> Numbers:
    """Memory of a process over many rounds on three directory clusters."""
    found = rounds(directories(folder, 3, 10), count)
    return {"rounds": count, "memory MiB": found["memory"], "codes": found["codes"],
            "median round": median(found["rounds"])}  # fmt: skip


def fleet(folder: Path, clusters: int, count: int = 5) -> Numbers:
    """Rounds over very many directory clusters in one process: the first writes, the others find nothing to do. A
    tenth as many beside them tells whether the time goes with the number."""
    found: Numbers = {"clusters": clusters, "objects in each": FLEET_OBJECTS}
    for number in (clusters // 10, clusters):
        ran = rounds(directories(folder / str(number), number, FLEET_OBJECTS), count)
        assert set(ran["codes"]) <= {0, 4}, ran["codes"]  # on a busy machine some are late, and go on beside the rounds
        found[str(number)] = {"first round": ran["rounds"][0], "unchanged": median(ran["rounds"][1:]),
                              "peak MiB": ran["peak"], "some were late": 4 in ran["codes"]}  # fmt: skip
    return found


def start_up(times: int) -> Numbers:
    return {"--help": median(run([OURS, "--help"]).seconds for _ in range(times))}
