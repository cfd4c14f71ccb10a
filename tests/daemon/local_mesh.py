"""``reconciler local up`` as a whole process, on a small mesh of its own addresses."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import reconciler
from reconciler.io.store import open_store
from reconciler.model.events import AuditEvent
from reconciler.report.events import stored_event
from tests.behaviour.topology import Addresses, document

ROOT = Path(reconciler.__file__).parents[1]
SOON = 180.0  # seconds that nothing but a fault comes near
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def until(holds: Callable[[], object], say: Callable[[], str] = str) -> None:
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end, say()
        time.sleep(0.05)


def processes_about(text: str) -> dict[int, str]:
    """Command lines of this machine's processes that hold a text."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found[int(entry.parent.name)] = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return {pid: line for pid, line in found.items() if text in line}


@dataclass
class LocalMesh:
    """``web`` calls ``reviews``, which has two versions. ``folder`` has the repository and a home that stays empty."""

    folder: Path
    addresses: Addresses
    connection: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "Apply"

    def __post_init__(self) -> None:
        self.repo, self.home = self.folder / "fleet", self.folder / "home"
        self.log = self.folder / "up.log"
        for path in (self.repo / "desired-state", self.repo / "policies", self.home):
            path.mkdir(parents=True)
        (self.repo / ".gitignore").write_text("/.mesh/\n/.local/\n")
        self.git("init", "-q", "-b", "main")
        self.settings(self.mode)
        self.services("v1", "v2")
        self.split(v1=100, v2=0)
        self.commit("one")

    def settings(self, mode: str) -> None:
        connection = {"path": ".mesh/eu", "authority": ".mesh/authority", **self.connection}
        self.write("desired-state/mesh.yaml", [
            document("Reconciler", "main", {"mode": mode, "limits": {"maxDeletePercent": 100}}),
            document("Cluster", "eu", {"connection": {"proxies": connection}}),
            document("Mesh", "shop", {"type": "envoy", "clusters": ["eu"]}),
        ])  # fmt: skip

    def services(self, *versions: str) -> None:
        """``reviews`` in these versions."""
        reviews = [self._workload(f"reviews-{one}", 20 + int(one[1:]), {"version": one}) for one in versions]
        self.write("desired-state/services.yaml", [
            document("Destination", name, {"hosts": [f"{name}.shop"], "ports": [port], "workloads": workloads})
            for port in [{"number": 8080, "name": "http", "protocol": "HTTP"}]
            for name, workloads in (("web", [self._workload("web", 11, {})]), ("reviews", reviews))
        ])  # fmt: skip

    def split(self, **shares: int) -> None:
        rule = {"to": ["reviews.shop"], "rule": {"route": shares}}
        self.policy(document("TrafficPolicy", "reviews", rule))

    def policy(self, body: dict[str, Any]) -> None:
        self.write("policies/reviews.yaml", [body])

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
        done = subprocess.run(command, cwd=self.repo, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    @contextlib.contextmanager
    def up(self) -> Iterator[subprocess.Popen[bytes]]:
        """Running and ready; killed at the end where it still runs."""
        with self.started() as process:
            self.until(lambda: "Ask as a workload" in self.said(), process)
            yield process

    @contextlib.contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        with local_up(self.repo, self.home, self.log) as process:
            yield process

    def said(self) -> str:
        return self.log.read_text()

    def until(self, holds: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
        def seen() -> object:
            assert process.poll() is None, self.said()
            return holds()

        until(seen, self.said)

    def proxy(self, name: str) -> Path:
        return self.repo / ".mesh/eu/shop" / name

    def pid(self, name: str) -> int:
        """Of a proxy; 0 when it does not run."""
        return next(iter(processes_about(f"{self.proxy(name)}/bootstrap.json")), 0)

    def asked(self, times: int = 20) -> Counter[str]:
        """Which workloads answered calls of ``web`` to ``reviews``; a status where none did."""
        return Counter(self._ask() for _ in range(times))

    def started_with(self, place: int) -> str:
        """The bootstrap of the proxy at a place, as that tells it."""
        try:
            with DIRECT.open(
                f"http://{self.addresses.service(place)}:15000/config_dump?mask=bootstrap", timeout=30
            ) as got:
                return str(got.read())
        except OSError as problem:
            return str(problem)

    def events(self, kind: str, **filters: str) -> list[AuditEvent]:
        store = open_store(self.repo / ".local/state")
        try:
            return [stored_event(row) for row in store.events(type=kind, **filters)]
        finally:
            store.close()

    def _ask(self) -> str:
        url = f"http://{self.addresses.service(11)}:15001/"
        try:
            request = urllib.request.Request(url, headers={"Host": "reviews.shop"})
            with DIRECT.open(request, timeout=30) as answer:
                return str(answer.headers["x-echo-workload"])
        except urllib.error.HTTPError as problem:
            with problem:
                return str(problem.code)
        except OSError as problem:
            return str(problem)

    def _workload(self, name: str, place: int, labels: Mapping[str, str]) -> dict[str, Any]:
        account = {"name": name.partition("-")[0], "namespace": "shop"}
        return {"name": name, "address": self.addresses.proxy(place), "localAddress": self.addresses.service(place),
                "labels": dict(labels), "serviceAccount": account}  # fmt: skip

    def write(self, path: str, documents: list[dict[str, Any]]) -> None:
        (self.repo / path).write_text(yaml.safe_dump_all(documents, sort_keys=False))


@contextlib.contextmanager
def local_up(repo: Path, home: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Killed at the end where it still runs. ``home``: where it would write what it should not."""
    own = {"HOME": "", "TMPDIR": "", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache", "XDG_RUNTIME_DIR": "run"}
    places = {name: str(home / path) for name, path in own.items()}
    surroundings = {**os.environ, **places, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    surroundings.pop("RECONCILER_STATE", None)
    line = [sys.executable, "-m", "reconciler", "local", "up", str(repo), "--interval", "0.3"]
    with log.open("ab") as words:
        process = subprocess.Popen(line, cwd=home, env=surroundings, stdout=words, stderr=words)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def interrupt(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(SOON)
