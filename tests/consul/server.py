"""A genuine Consul server on this machine, in memory, and a plain client of it that is none of ours."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: of the secured server, for whom everything is allowed
MASTER = "3b1f7d3c-5a0e-4c5e-9d52-0c1a6f2e9a11"
KINDS = (
    "ingress-gateway", "service-router", "service-splitter", "service-resolver", "service-defaults", "proxy-defaults",
)  # fmt: skip


def binary() -> Path:
    """CONSUL_BINARY, or where setup.sh puts it. Fetched when it is not there; RuntimeError where that cannot be."""
    if given := os.environ.get("CONSUL_BINARY"):
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache / "mesh-reconciler" / "consul-1.8.7" / "consul"
    if not found.exists():
        done = subprocess.run(
            [HERE / "setup.sh"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
    return found


@dataclass(frozen=True)
class Server:
    """``request`` speaks as the operator does."""

    address: str
    token: str = ""
    ca: str = ""

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The answer as JSON; AssertionError with the words of the server for any other than 200."""
        asked = urllib.request.Request(f"{self.address}/v1/{path}", method=method)
        asked.add_header("X-Consul-Token", self.token)
        asked.data = None if body is None else json.dumps(body).encode()
        context = ssl.create_default_context(cadata=self.ca) if self.ca else None
        try:
            with urllib.request.urlopen(asked, timeout=30, context=context) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with closing(error):
                raise AssertionError(f"{error.code}: {error.read().decode()}") from None
        return json.loads(text) if text.strip() else None

    def put(self, kind: str, name: str, **fields: Any) -> None:
        """A configuration entry by another hand."""
        assert self.request("PUT", "config", {"Kind": kind, "Name": name, **fields}) is True

    def entry(self, kind: str, name: str) -> dict[str, Any] | None:
        found = {one["Name"]: one for one in self.request("GET", f"config/{kind}")}
        return found.get(name)

    def register(self, name: str, port: int = 8080, proxied: bool = True, **more: Any) -> None:
        """An instance of a service, and the proxy beside it."""
        number = more.pop("number", 1)
        node = {"Node": "machine", "Address": "127.0.0.1"}
        service = {"ID": f"{name}-{number}", "Service": name, "Port": port, **more}
        self.request("PUT", "catalog/register", {**node, "Service": service})
        if proxied:
            proxy = {"ID": f"{name}-{number}-proxy", "Service": f"{name}-sidecar-proxy", "Kind": "connect-proxy"}
            proxy |= {"Port": port + 10000, "Proxy": {"DestinationServiceName": name}}
            self.request("PUT", "catalog/register", {**node, "Service": proxy})

    def intentions(self) -> list[dict[str, Any]]:
        return list(self.request("GET", "connect/intentions") or ())

    def wipe(self) -> None:
        """As it was when it started."""
        for one in self.intentions():
            self.request("DELETE", f"connect/intentions/{one['ID']}")
        for kind in KINDS:
            for entry in self.request("GET", f"config/{kind}") or ():
                self.request("DELETE", f"config/{kind}/{entry['Name']}")
        self.request("PUT", "catalog/deregister", {"Node": "machine"})


@contextmanager
def running(
    folder: Path, config: Mapping[str, Any] | None = None, *, ca: str = "", token: str = ""
) -> Iterator[Server]:
    """A server with this configuration beside that of ``agent -dev``; ended at the end. ``ca``: it speaks HTTPS."""
    ports = _free_ports(6)
    names = ("http", "server", "serf_lan", "serf_wan", "grpc")
    chosen = dict(zip(names, ports, strict=False)) | {"dns": -1}
    if ca:
        chosen |= {"https": ports[0], "http": -1}
    (folder / "config.json").write_text(json.dumps({**(config or {}), "ports": chosen}))
    argv = [str(binary()), "agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-node", "server"]
    argv += ["-config-file", str(folder / "config.json"), "-log-level", "warn"]
    server = Server(f"{'https' if ca else 'http'}://127.0.0.1:{ports[0]}", token, ca)
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        process = stack.enter_context(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        stack.callback(process.kill)
        _await_ready(server, process, folder / "log")
        yield server


def _await_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if server.request("GET", "connect/ca/roots")["TrustDomain"] and server.request("GET", "catalog/nodes"):
                return
        except (AssertionError, OSError, KeyError, TypeError):
            pass
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(log.read_text())
        time.sleep(0.05)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
