"""Fixtures around genuine Consul servers, for every test below ``tests/``. One starts when the first test asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.consul.server import MASTER, Server, binary, running
from tests.self_signed import pair


def _or_skip() -> None:
    try:
        binary()
    except (RuntimeError, OSError) as problem:
        pytest.skip(f"NOT TESTED, no Consul server: {problem}; set CONSUL_BINARY to one")


@pytest.fixture(scope="session")
def _plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    _or_skip()
    with running(tmp_path_factory.mktemp("consul")) as server:
        yield server


@pytest.fixture
def consul(_plain: Server) -> Iterator[Server]:
    """A server without access control. It is empty."""
    _plain.wipe()
    return _plain


@pytest.fixture(scope="session")
def _secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    _or_skip()
    folder = tmp_path_factory.mktemp("secure-consul")
    certificate, key = pair("localhost")
    (folder / "server.pem").write_bytes(certificate)
    (folder / "server.key").write_bytes(key)
    config = {
        "acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": MASTER}},
        "cert_file": str(folder / "server.pem"),
        "key_file": str(folder / "server.key"),
        "verify_incoming": False,
    }
    (folder / "ca.pem").write_bytes(certificate)
    with running(folder, config, ca=certificate.decode(), token=MASTER) as server:
        yield server


@pytest.fixture
def secure_consul(_secure: Server) -> Iterator[Server]:
    """A server that answers over TLS only, and denies what no token allows. It is empty."""
    _secure.wipe()
    return _secure


def token(server: Server, rules: str, folder: Path, name: str = "token") -> Path:
    """The file of a new token with these rules."""
    policy = server.request("PUT", "acl/policy", {"Name": f"{name}-{folder.name}", "Rules": rules})
    made = server.request("PUT", "acl/token", {"Policies": [{"ID": policy["ID"]}]})
    file = folder / name
    file.write_text(f"{made['SecretID']}\n")
    return file


def authority(server: Server, folder: Path) -> Path:
    """The file of who signed the certificate of a server."""
    file = folder / "ca.pem"
    file.write_text(server.ca)
    return file


def told(server: Server) -> str:
    """All that a server holds, for a test that nothing has changed."""
    kinds = ("service-defaults", "service-resolver", "service-splitter", "service-router")
    return json.dumps([*(server.request("GET", f"config/{kind}") for kind in kinds), server.intentions()])
