"""Fixtures around the real kube-apiserver, for every test below ``tests/``; a test that uses one is marked ``kube``.

The servers start when the first test asks, once per run: the workers of pytest-xdist share them.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kube import crds
from tests.kube.control_plane import ApiServer, assets_folder, attach, missing_assets
from tests.kube.faults import FaultProxy
from tests.kube.stub import StubServer
from tests.kube.webhook import MutatingWebhook, Mutation

CLUSTERS = 2
HOW = "run tests/kube/setup.sh (Debian), or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd"
PERMISSIVE = "permissive ones, generated from the adapters' kinds (set MESH_CRDS to a folder of real ones)"
_numbers = itertools.count(1)


def pytest_report_header() -> list[str]:
    folder = crds.collection()
    source = f"real, from {folder}" if folder else PERMISSIVE
    missing = missing_assets(assets_folder())
    server = f"none: {' and '.join(missing)} not in {assets_folder()}; {HOW}" if missing else str(assets_folder())
    return [f"mesh CRDs: {source}", f"kube-apiserver: {server}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "kube_assets" in getattr(item, "fixturenames", ()):
            item.add_marker("kube")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [r for r in terminalreporter.stats.get("skipped", ()) if "no kube-apiserver" in str(r.longrepr)]
    if skipped:
        terminalreporter.section("NOT TESTED", red=True)
        terminalreporter.line(f"{len(skipped)} tests need a kube-apiserver: {HOW}")
    elif crds.collection() is None:
        terminalreporter.line(f"mesh CRDs on the kube-apiserver were {PERMISSIVE}")


def _shared_folder(factory: pytest.TempPathFactory) -> Path:
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _start_or_join(folder: Path, assets: Path) -> dict[str, Any]:
    """Start the servers in a process of their own unless another worker did; their description."""
    info = folder / "kube.json"
    with (folder / "kube.start").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not info.exists():
            argv = [sys.executable, "-m", "tests.kube.control_plane", "--assets", str(assets), "-n", str(CLUSTERS)]
            argv += ["--while-locked", str(folder / "kube.users"), "--info", str(info)]
            with (folder / "kube.log").open("wb") as log:
                started = subprocess.run(argv, cwd=crds.ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if started.returncode:
                raise RuntimeError((folder / "kube.log").read_text())
    described: dict[str, Any] = json.loads(info.read_text())
    return described


def _await_default_namespace(server: ApiServer, seconds: float = 120) -> None:
    """A server is ready a moment before it has made the namespaces that every cluster has."""
    end = time.monotonic() + seconds
    while server.request("GET", "/api/v1/namespaces/default")[0] != 200:
        assert time.monotonic() < end, f"{server.url} has no namespace default"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def kube_assets() -> Path:
    """The folder with the binaries, for a server of a test's own."""
    assets = assets_folder()
    if missing := missing_assets(assets):
        pytest.skip(f"no kube-apiserver: {' and '.join(missing)} not in {assets}; {HOW}")
    return assets


@pytest.fixture(scope="session")
def kube_clusters(kube_assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ApiServer]]:
    """Two clusters (``c0``, ``c1``), each a genuine kube-apiserver."""
    folder = _shared_folder(tmp_path_factory)
    with (folder / "kube.users").open("w") as using:
        fcntl.flock(using, fcntl.LOCK_SH)
        servers = attach(_start_or_join(folder, kube_assets))
        for server in servers:
            _await_default_namespace(server)
        yield servers


@pytest.fixture(scope="session")
def kube(kube_clusters: list[ApiServer]) -> ApiServer:
    """The first cluster."""
    return kube_clusters[0]


@pytest.fixture
def fresh_namespace(kube_clusters: list[ApiServer]) -> str:
    """The name of a namespace made for this test on every cluster, labelled ``test: <its name>``."""
    name = f"t{os.getpid()}-{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"test": name}}}
    for server in kube_clusters:
        status, answer = server.request("POST", "/api/v1/namespaces", body)
        assert status == 201, answer
    return name


@pytest.fixture(scope="session")
def widgets(kube_clusters: list[ApiServer]) -> None:
    """The CRD of ``widgets.yaml`` is served on every cluster."""
    for server in kube_clusters:
        crds.install(server, [crds.widgets()])


@pytest.fixture(scope="session")
def mesh_crds(kube_clusters: list[ApiServer]) -> str:
    """The CRDs of every adapter's kinds are served on every cluster; "real" or "permissive" says which."""
    for server in kube_clusters:
        crds.install(server, crds.adapter_crds())
    return "real" if crds.collection() else "permissive"


@pytest.fixture
def mutating_webhook(kube_clusters: list[ApiServer]) -> Iterator[type[MutatingWebhook]]:
    """Call it with (server, namespace, rules, mutate): a real admission webhook that is in force for this test."""
    hooks: list[MutatingWebhook] = []

    class Registered(MutatingWebhook):
        def __init__(self, server: ApiServer, namespace: str, rules: list[Mapping[str, Any]], mutate: Mutation) -> None:
            super().__init__(server, namespace, rules, mutate)
            hooks.append(self)

    yield Registered
    for hook in hooks:
        hook.close()


@pytest.fixture
def fault_proxy(kube: ApiServer) -> Iterator[FaultProxy]:
    """A TCP proxy before the first cluster, passing everything until told otherwise."""
    with FaultProxy("127.0.0.1", kube.port) as proxy:
        yield proxy


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A plain HTTP server that answers what the test queues."""
    with StubServer() as server:
        yield server
