"""The daemon as a real process: signals, health, metrics, logs, and a cluster that hangs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler.io.store import open_store
from tests.pipeline.fleet import Fleet

ROOT = Path(reconciler.__file__).parents[1]
SOON = 90.0  # seconds, generous for a busy machine; less than the 120 that Git itself may take


def until(holds: Callable[[], bool], say: Callable[[], str] = str) -> None:
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end, say()
        time.sleep(0.05)


@dataclass
class Daemon:
    process: subprocess.Popen[bytes]
    logs: Path

    @property
    def port(self) -> int:
        return int(self.lines("started")[0]["port"])

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        whole = self.logs.read_text().rpartition("\n")[0]
        found = [json.loads(line) for line in whole.splitlines()]
        return [line for line in found if event in ("", line["event"])]

    def until(self, holds: Callable[[], bool]) -> None:
        def seen() -> bool:
            assert self.process.poll() is None, self.logs.read_text()
            return holds()

        until(seen, self.logs.read_text)

    def rounds(self, number: int) -> None:
        self.until(lambda: len(self.lines("round finished")) >= number)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        """The exit code; what hangs does so for longer than this waits."""
        self.process.send_signal(number)
        return self.process.wait(SOON)


@pytest.fixture
def start(two: Fleet) -> Iterator[Callable[..., Daemon]]:
    running: list[subprocess.Popen[bytes]] = []

    def started(*arguments: str) -> Daemon:
        logs = two.folder / f"log{len(running)}.json"
        line = [
            sys.executable,
            "-m",
            "reconciler",
            "--state",
            str(two.folder / "state"),
            "run",
            "--repo",
            str(two.repo),
        ]
        line += ["--log-format", "json", "--listen", "127.0.0.1:0", *arguments]
        with logs.open("wb") as log:
            process = subprocess.Popen(
                line, stdout=log, stderr=log, cwd=two.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )
        running.append(process)
        return Daemon(process, logs)

    yield started
    for process in running:
        process.kill()
        process.wait()


def test_it_repeats_at_the_interval_and_ends_on_a_signal(two: Fleet, start: Callable[..., Daemon]) -> None:
    daemon = start("--interval", "0.3")
    daemon.rounds(3)
    assert daemon.end() == 0
    assert daemon.lines()[-1]["event"] == "stopped"
    assert len(two.live("eu")) == len(two.live("us")) == 3
    assert two.store.pending_intents() == []
    assert two.store.verify() == len(two.events())
    assert len(two.events(type="object.*")) == 6


def test_a_signal_starts_a_round_with_the_new_head_at_once(two: Fleet, start: Callable[..., Daemon]) -> None:
    daemon = start("--interval", "3600")
    daemon.rounds(1)
    two.policy("cart", "{to: [cart.shop], rule: {timeout: 7s}}")
    head = two.commit("slower")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.rounds(2)
    assert daemon.lines("round finished")[1]["commit"] == head[:8]
    assert two.live("us")["VirtualService cart"]["spec"]["http"][0]["timeout"] == "7s"
    assert {event.actor.trigger for event in two.events(commit=head, type="object.*")} == {"signal"}


def test_health_metrics_and_logs(two: Fleet, start: Callable[..., Daemon]) -> None:
    daemon = start("--interval", "3600")
    daemon.rounds(1)
    daemon.until(lambda: daemon.get("/readyz")[0] == 200)
    assert daemon.get("/healthz") == (200, "ok\n")
    status, metrics = daemon.get("/metrics")
    assert status == 200
    assert 'reconciler_objects{cluster="eu",mesh="mesh",state="changed"} 3.0' in metrics
    assert 'reconciler_rounds_total{result="0"} 1.0' in metrics
    (run,) = [event.run for event in two.events(type="run.finished")]
    head = two.git("rev-parse", "HEAD")
    targets = daemon.lines("target")
    assert [(t["run"], t["commit"], t["cluster"], t["level"]) for t in targets] == [
        (run, head[:8], name, "info") for name in ("eu", "us")
    ]
    objects = daemon.lines("object")
    assert {(o["run"], o["commit"], o["cluster"]) for o in objects} == {(run, head[:8], n) for n in ("eu", "us")}


def hanging(fleet: Fleet) -> socket.socket:
    """``us`` becomes an API server that takes connections and never answers."""
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = silent.getsockname()[1]
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    (fleet.folder / "silent.json").write_text(json.dumps(config))
    fleet.cluster("us", {"kubeconfig": {"path": str(fleet.folder / "silent.json")}}, limits={"timeout": "300s"})
    fleet.commit("us hangs")
    return silent


def test_it_ends_in_time_while_a_cluster_hangs(two: Fleet, start: Callable[..., Daemon]) -> None:
    with hanging(two):
        daemon = start("--interval", "3600")
        daemon.until(lambda: bool(daemon.lines("started")))
        time.sleep(1)
        assert daemon.lines("round finished") == []
        daemon.end()
        assert daemon.lines()[-1]["event"] in ("stopped", "ended at once")


def processes_about(text: str) -> list[str]:
    """Command lines of this machine's processes that hold a text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if text in line]


@pytest.mark.parametrize("arguments", [(), ("--once",)])
@pytest.mark.parametrize("scheme", ["http", "ssh"])
def test_it_ends_in_time_while_git_hangs(
    two: Fleet, start: Callable[..., Daemon], scheme: str, arguments: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        daemon = start("--repo", f"{scheme}://{address}/mesh.git", *arguments)
        daemon.until(lambda: any("git " in line for line in processes_about(address) if "reconciler" not in line))
        daemon.end()
        until(lambda: processes_about(address) == [])
    assert two.store.pending_intents() == []
    assert two.store.verify() == len(two.events())


def test_a_hanging_cluster_is_left_out_told_of_and_taken_back(two: Fleet, start: Callable[..., Daemon]) -> None:
    with hanging(two):
        daemon = start("--interval", "0.5")
        daemon.rounds(3)
        assert len(two.live("eu")) == 3
        (opened, *_) = daemon.lines("circuit open")
        assert (opened["cluster"], opened["failures"]) == ("us", 0)
        assert opened["why"].startswith("late: ")
        daemon.until(lambda: any(line["failures"] for line in daemon.lines("circuit open")))
        metrics = daemon.get("/metrics")[1]
        assert 'reconciler_circuit_open{cluster="us"}' in metrics
        assert 'reconciler_circuit_failures_total{cluster="us"}' in metrics
        store = open_store(two.folder / "state")
        try:
            status = store.get("status")
        finally:
            store.close()
        assert isinstance(status, dict)
        assert "left out of rounds" in {row["target"]: row["error"] for row in status["targets"]}["us/mesh"]
    two.cluster("us", {"directory": {"path": "live/us", "facts": "facts/us"}})
    two.commit("us is back")
    daemon.until(lambda: len(two.live("us")) == 3)
    daemon.until(lambda: bool(daemon.lines("circuit closed")))


def test_a_cluster_that_comes_back_is_reconciled_beside_the_rounds(two: Fleet, start: Callable[..., Daemon]) -> None:
    facts = two.repo / "facts/us"
    facts.rename(two.repo / "facts/elsewhere")
    daemon = start("--interval", "3600")
    daemon.rounds(1)
    daemon.until(lambda: bool(daemon.lines("circuit open")))
    (two.repo / "facts/elsewhere").rename(facts)
    daemon.until(lambda: bool(daemon.lines("circuit closed")))
    assert len(two.live("us")) == 3
    assert {event.actor.trigger for event in two.events(type="object.*", cluster="us")} == {"recovery"}
    assert len([e for e in two.events(type="run.finished") if e.actor.trigger == "schedule"]) == 1


def test_a_bug_or_a_source_out_of_order_keeps_the_schedule(two: Fleet, start: Callable[..., Daemon]) -> None:
    daemon = start("--interval", "0.3")
    daemon.rounds(1)
    away = two.repo / ".git-away"
    (two.repo / ".git").rename(away)
    daemon.until(lambda: bool(daemon.lines("round failed")))
    away.rename(two.repo / ".git")
    done = len(daemon.lines("round finished"))
    daemon.rounds(done + 2)
    assert daemon.end() == 0
    assert [event.result for event in two.events(type="run.failed")] == ["error"] * len(daemon.lines("round failed"))


def test_once_is_one_round(two: Fleet, start: Callable[..., Daemon]) -> None:
    daemon = start("--once")
    assert daemon.process.wait(SOON) == 0
    assert len(daemon.lines("round finished")) == 1


def test_who_is_to_be_told_is_told_after_a_single_round(two: Fleet, tmp_path: Path) -> None:
    two.settings("{mode: Apply, notify: [{to: bus, on: [changes]}]}")
    two.commit("tell")
    with receiving() as (url, got):
        channels = tmp_path / "channels.yaml"
        channels.write_text(f"channels: {{bus: {{cloudevents: '{url}'}}}}\n")
        once = [sys.executable, "-m", "reconciler", "--state", str(two.folder / "state"), "run", "--once"]
        once += ["--repo", str(two.repo), "--notify-file", str(channels)]
        for timeout in ("1s", "2s"):
            two.policy("cart", f"{{to: [cart.shop], rule: {{timeout: {timeout}}}}}")
            two.commit(timeout)
            subprocess.run(once, check=True, cwd=two.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=SOON)
    assert sorted((body["type"], body["subject"].split("/")[0]) for body in got) == [
        ("dev.reconciler.object.updated", "eu"),
        ("dev.reconciler.object.updated", "us"),
    ]


@contextlib.contextmanager
def receiving() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server that keeps the JSON that it is sent."""
    got: list[dict[str, Any]] = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_words: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Keep) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", got
        server.shutdown()
