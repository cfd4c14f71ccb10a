"""A daemon with everything around it that a forge has: Git over HTTP, the forge's interface as it publishes it, and
webhooks as it signs them."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import reconciler
from tests.bench.estate import Estate
from tests.io.forges.github_host import GitHubHost
from tests.io.forges.payloads import GITHUB
from tests.io.forges.server import TOKEN, Pull
from tests.io.git.http.conftest import GitServer

ROOT = Path(reconciler.__file__).parents[1]
SECRET = "what only we know"
SOON = 120.0


@dataclass
class Forged:
    """``estate`` is somebody's clone; its pushes go to the server, and are told by webhook as GitHub does."""

    estate: Estate
    host: GitHubHost = field(default_factory=GitHubHost)
    patience: float = SOON  # seconds until what is waited for is given up
    log: Path = field(init=False)
    _pulls: int = 0

    def __post_init__(self) -> None:
        self.log = self.estate.folder / "daemon.log"

    @property
    def upstream(self) -> Path:
        return self.estate.folder / "served/octo/shop.git"

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """The servers, and the daemon after its first round."""
        self.upstream.parent.mkdir(parents=True)
        subprocess.run(["git", "clone", "-q", "--bare", str(self.estate.repo), str(self.upstream)], check=True)
        for key, value in (("http.receivepack", "true"), ("uploadpack.allowAnySHA1InWant", "true")):
            subprocess.run(["git", "config", key, value], cwd=self.upstream, check=True)
        here = self.estate.state / "clusters"  # against which folders of a repository by URL are resolved
        here.mkdir(mode=0o700, parents=True)
        self.estate.state.chmod(0o700)
        (self.estate.repo / "facts").rename(here / "facts")
        with _served(self.estate.folder / "served") as address, _hosted(self.host):
            self.estate.git("remote", "add", "origin", f"{address}/octo/shop.git")
            process = self._daemon(f"{address}/octo/shop.git", arguments)
            try:
                self.until(lambda: bool(self.lines("round finished")), process)
                yield process
            finally:
                process.terminate()
                process.wait(30)

    def _daemon(self, repository: str, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        secret = self.estate.folder / "secret"
        secret.write_text(f"{SECRET}\n")
        line = [sys.executable, "-m", "reconciler", "--state", str(self.estate.state), "run", "--repo", repository]
        line += ["--log-format", "json", "--interval", "3600", "--forge", repository, "--forge-kind", "github"]
        line += ["--forge-url", self.host.url, "--hooks", "127.0.0.1:0", "--hook-secret-file", str(secret)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RECONCILER_FORGE_TOKEN": TOKEN}
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [*line, *arguments], stdout=log, stderr=log, cwd=self.estate.folder, env=environment
            )

    def lines(self, event: str) -> list[dict[str, Any]]:
        whole = self.log.read_text().rpartition("\n")[0]
        return [line for line in map(json.loads, whole.splitlines()) if line["event"] == event]

    def until(self, holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> float:
        """Seconds that it took."""
        began = time.perf_counter()
        while not holds():
            if process.poll() is not None or time.perf_counter() - began > self.patience:
                raise RuntimeError(f"it does not come: {self.log.read_text()[-5000:]}")
            time.sleep(0.01)
        return time.perf_counter() - began

    def push(self, branch: str) -> str:
        """The head, pushed to the branch."""
        self.estate.git("push", "-q", "-f", "origin", f"HEAD:refs/heads/{branch}")
        return self.estate.git("rev-parse", "HEAD")

    def open_pull(self, branch: str) -> int:
        """A pull request of a pushed branch; the forge tells of it."""
        self._pulls += 1
        head = self.push(branch)
        main = subprocess.run(
            ["git", "rev-parse", "main"], cwd=self.upstream, check=True, capture_output=True, text=True
        )
        self.host.state.branches = {"main": main.stdout.strip(), branch: head}
        self.host.state.pulls[self._pulls] = Pull(self._pulls, head=head, source=branch)
        self.tell("pull_request", self.delivery("pull_request", "opened", number=self._pulls, head=head))
        return self._pulls

    def delivery(self, event: str, action: str = "", *, number: int = 0, head: str = "", ref: str = "") -> Any:
        """The forge's own example, about this repository."""
        made = copy.deepcopy(GITHUB[f"{event}.{action}" if action else event])
        made["repository"]["full_name"] = "octo/shop"
        if event == "push":
            return {**made, "ref": ref, "after": head, "deleted": False}
        pull = made["pull_request"]
        pull |= {"number": number, "state": "open", "merged": False}
        pull["head"] |= {"sha": head}
        pull["base"] |= {"ref": "main"}
        return {**made, "action": action, "number": number}

    def tell(self, event: str, data: Any) -> int:
        """The status of the daemon's answer."""
        body = json.dumps(data).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": "id", "X-Hub-Signature-256": f"sha256={signature}"}
        headers["Content-Type"] = "application/json"
        port = self.lines("webhooks are taken")[0]["port"]
        request = urllib.request.Request(f"http://127.0.0.1:{port}/hooks", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)

    def comments(self, number: int) -> list[str]:
        return [note.body for note in self.host.state.notes if note.pull == number]

    def statuses(self, commit: str) -> dict[str, str]:
        return {one["context"]: one["state"] for one in self.host.state.statuses if one["sha"] == commit}


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = GitServer(folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _hosted(host: GitHubHost) -> Iterator[None]:
    """The forge in a thread with a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(host.start(), loop).result(30)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(host.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
        if host.problems:
            raise AssertionError(host.problems)
