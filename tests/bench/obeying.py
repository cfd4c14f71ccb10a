"""From a commit to traffic that obeys it: the daemon of ``local up`` with real proxies, asked a hundred times a second.

python -m tests.bench.obeying [COMMITS]
"""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from tests.behaviour.topology import Addresses, document
from tests.daemon.local_mesh import SOON, LocalMesh, interrupt

PAUSE = 0.01


def obeying(folder: Path, commits: int) -> dict[str, Any]:
    """Seconds from the signal that tells the daemon of a commit until a call is answered as it says."""
    with closing(Addresses()) as addresses:
        mesh = LocalMesh(folder, addresses)
        with mesh.up() as process:
            taken = [_taken(mesh, process, str(number)) for number in range(commits)]
            interrupt(process)
    return {"commits": commits, "median": median(taken), "slowest": max(taken)}


def _taken(mesh: LocalMesh, process: subprocess.Popen[bytes], mark: str) -> float:
    rule = {"route": {"v1": 50, "v2": 50}, "headers": {"response": {"set": {"x-mark": mark}}}}
    mesh.policy(document("TrafficPolicy", "reviews", {"to": ["reviews.shop"], "rule": rule}))
    mesh.commit(f"mark {mark}")
    started = time.perf_counter()
    process.send_signal(signal.SIGHUP)
    connection = http.client.HTTPConnection(mesh.addresses.service(11), 15001, timeout=SOON)
    with closing(connection):
        while _mark(connection) != mark:
            if process.poll() is not None or time.perf_counter() - started > SOON:
                raise RuntimeError(f"traffic does not obey: {mesh.said()}")
            time.sleep(PAUSE)
    return time.perf_counter() - started


def _mark(connection: http.client.HTTPConnection) -> str:
    connection.request("GET", "/", headers={"Host": "reviews.shop"})
    answer = connection.getresponse()
    answer.read()
    return answer.headers.get("x-mark", "")


def main(commits: int = 50) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = obeying(Path(folder), commits)
    sys.stdout.write(f"{found}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
