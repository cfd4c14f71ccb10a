"""Start one etcd and N genuine kube-apiservers ("clusters") on free loopback ports. Standard library only.

The servers share the etcd; each has its own --etcd-prefix, so each is a separate cluster.

    with ControlPlane(assets, n=2) as plane:
        plane.clusters[0].kubeconfig                  # admin (group system:masters)
        plane.clusters[0].user_kubeconfig("alice")    # no rights until RBAC grants some

``python -m tests.kube.control_plane --while-locked FILE --info FILE`` serves several test processes at once: it
runs until nobody holds a shared lock on the file any more, however its users ended.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

SETUP = Path(__file__).with_name("setup.sh")
USERS = {"admin": "system:masters", "alice": "", "bob": ""}


def assets_folder() -> Path:
    """Where the binaries are, or would be after ``setup.sh``."""
    if given := os.environ.get("KUBEBUILDER_ASSETS"):
        return Path(given)
    recipe = hashlib.sha256(SETUP.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "mesh-reconciler" / f"kube-{recipe}"


def missing_assets(assets: Path) -> tuple[str, ...]:
    return tuple(name for name in ("etcd", "kube-apiserver") if not os.access(assets / name, os.X_OK))


def free_port() -> int:
    """One below those that the system hands out, so that no connection is given it before a server listens there."""
    for port in random.sample(range(15_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _spawn(argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=_die_with_parent, close_fds=True
        )


def _stop(process: subprocess.Popen[bytes] | None, wait: float = 10) -> None:
    if process and process.poll() is None:
        process.terminate()
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], request: urllib.request.Request, ca: Path | None, log: Path) -> None:
    """Wait until a server answers 200; its log's end in the error when it does not."""
    end = time.monotonic() + 180
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"{log.name}: exited {process.returncode}:\n{_tail(log)}")
        try:
            context = ssl.create_default_context(cafile=str(ca)) if ca else None
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"{request.full_url} not ready:\n{_tail(log)}")
        time.sleep(0.05)


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


class ApiServer:
    """One cluster. ``request`` talks to it as a user, for tests to arrange and look."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.folder = folder / name
        self.log = self.folder / "kube-apiserver.log"
        self.ca = self.folder / "certs" / "apiserver.crt"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        return self.user_kubeconfig("admin")

    def token(self, user: str) -> str:
        return f"{user}-token-{self.name}"

    def start(self, assets: Path, etcd_url: str, extra_args: Sequence[str]) -> None:
        self.ca.parent.mkdir(parents=True, exist_ok=True)
        tokens = self.folder / "tokens.csv"
        tokens.write_text("".join(f'{self.token(u)},{u},{u},"{group}"\n' for u, group in USERS.items()))
        self.port = free_port()
        key = self.ca.with_suffix(".key")  # made by the server at start
        argv = [
            str(assets / "kube-apiserver"),
            f"--etcd-servers={etcd_url}",
            f"--etcd-prefix=/{self.name}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.ca.parent}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--anonymous-auth=true",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={key}",
            f"--service-account-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--endpoint-reconciler-type=none",  # loopback is no valid endpoint
            "--disable-admission-plugins=ServiceAccount",  # no controller manager
            "--allow-privileged=true",
            "--profiling=false",
            *extra_args,
        ]
        self.process = _spawn(argv, self.log)

    def wait(self) -> None:
        assert self.process is not None
        headers = {"Authorization": "Bearer " + self.token("admin")}
        _await(self.process, urllib.request.Request(self.url + "/readyz", headers=headers), self.ca, self.log)

    def user_kubeconfig(self, user: str) -> Path:
        path = self.folder / f"{user}.kubeconfig"
        text = json.dumps(self.config({"token": self.token(user)}, user), indent=1)
        if not path.exists() or path.read_text() != text:
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            fresh.write_text(text)
            fresh.replace(path)
        return path

    def config(self, credentials: dict[str, Any], user: str = "admin", server: str = "") -> dict[str, Any]:
        """A kubeconfig with these credentials; ``server`` instead of its own URL (a proxy before it)."""
        cluster = {"server": server or self.url, "certificate-authority": str(self.ca)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name,
            "clusters": [{"name": self.name, "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": user}}],
        }

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", user: str = "admin"
    ) -> tuple[int, Any]:
        """Status and decoded body of one request; error statuses are returned, not raised."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": "Bearer " + self.token(user), "Content-Type": content_type},
        )
        context = ssl.create_default_context(cafile=str(self.ca))
        try:
            with urllib.request.urlopen(request, context=context, timeout=120) as answer:
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read())

    def apply(self, path: str, body: Any, manager: str = "somebody", user: str = "admin") -> tuple[int, Any]:
        """Server-side apply with force, as another manager than the reconciler."""
        query = f"?fieldManager={manager}&force=true"
        return self.request("PATCH", path + query, body, "application/apply-patch+yaml", user)


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


class ControlPlane:
    """etcd and ``n`` servers named c0, c1, ...; ``extra_args`` go to every kube-apiserver."""

    def __init__(self, assets: Path, n: int = 1, extra_args: Sequence[str] = ()) -> None:
        self.assets, self.n, self.extra_args = assets, n, tuple(extra_args)
        self.folder = Path(tempfile.mkdtemp(prefix="mesh-reconciler-kube-"))
        self.etcd: subprocess.Popen[bytes] | None = None
        self.etcd_url = ""
        self.clusters: list[ApiServer] = []

    def start(self) -> ControlPlane:
        try:
            self._start_etcd()
            self.clusters = [ApiServer(self.folder, f"c{number}") for number in range(self.n)]
            for cluster in self.clusters:
                cluster.start(self.assets, self.etcd_url, self.extra_args)
            for cluster in self.clusters:
                cluster.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_etcd(self) -> None:
        self.etcd_url = f"http://127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        log = self.folder / "etcd.log"
        argv = [
            str(self.assets / "etcd"),
            "--name=test",
            f"--data-dir={self.folder}/etcd",
            "--log-level=warn",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=test={peer}",
            "--unsafe-no-fsync",
        ]
        self.etcd = _spawn(argv, log)
        _await(self.etcd, urllib.request.Request(self.etcd_url + "/health"), None, log)

    def stop(self) -> None:
        running = [cluster.process for cluster in self.clusters if cluster.process]
        for process in running:
            process.terminate()
        for process in running:
            _stop(process)
        _stop(self.etcd)
        shutil.rmtree(self.folder, ignore_errors=True)

    def info(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "etcd": self.etcd_url,
            "clusters": [{"name": c.name, "port": c.port} for c in self.clusters],
        }

    def __enter__(self) -> ControlPlane:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def attach(info: dict[str, Any]) -> list[ApiServer]:
    """The clusters of a control plane that another process runs."""
    servers = []
    for entry in info["clusters"]:
        server = ApiServer(Path(info["folder"]), entry["name"])
        server.port = entry["port"]
        servers.append(server)
    return servers


def _detach(info: Path) -> None:
    """Go on as a process of nobody's; the one that was called returns when ``info`` is there, or fails."""
    child = os.fork()
    while child:
        if info.exists():
            os._exit(0)
        if os.waitpid(child, os.WNOHANG)[0]:
            os._exit(1)
        time.sleep(0.05)
    os.setsid()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, default=assets_folder())
    parser.add_argument("-n", type=int, default=2)
    parser.add_argument("--while-locked", type=Path, help="stop when this file's last shared lock is gone")
    parser.add_argument("--info", type=Path, help="written, whole, when all are ready")
    args = parser.parse_args()
    if args.while_locked:
        _detach(args.info)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ControlPlane(args.assets, args.n) as plane:
        text = json.dumps(plane.info())
        if not args.while_locked:
            print(text, flush=True)
            signal.pause()
        fresh = args.info.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(args.info)
        with args.while_locked.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # granted once every user is gone
            args.info.unlink()


if __name__ == "__main__":
    main()
