"""Tokens and TLS at a real server that denies what no token allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.rights import Right
from reconciler.plan.rights import listing, looking_up_kinds, writing
from reconciler.ports import Forbidden, Unreachable
from tests.consul.fixtures import authority, token
from tests.consul.server import Server
from tests.io.consul.port import DEFAULTS, GROUP, INTENTIONS, PROXY_DEFAULTS, body, key, opened

#: what docs/operations.md tells to give to the token
ENOUGH = """
operator = "write"
agent_prefix "" { policy = "read" }
node_prefix "" { policy = "read" }
service_prefix "" { policy = "write" intentions = "write" }
"""
READING = """
operator = "read"
node_prefix "" { policy = "read" }
service_prefix "" { policy = "read" intentions = "read" }
"""
NEEDED = sorted(writing([DEFAULTS, INTENTIONS], deletes=True) | looking_up_kinds())


async def test_a_token_with_the_rules_that_are_documented_is_enough(secure_consul: Server, tmp_path: Path) -> None:
    secret, ca = token(secure_consul, ENOUGH, tmp_path), authority(secure_consul, tmp_path)
    secure_consul.register("b")
    async with opened(secure_consul.address, tmp_path, secret, ca) as cluster:
        await cluster.probe()
        inspection = await cluster.inspect([])
        assert [one.ref.name for one in inspection.facts.services] == ["b"]
        assert inspection.objects[0]["spec"]["defaultPolicy"] == "deny"  # type: ignore[index]
        assert await cluster.missing_rights(NEEDED) == ()
        await cluster.apply(body(DEFAULTS, "b", {"protocol": "http"}), DEFAULTS, force=False)
        denied = {"destination": {"name": "b"}, "sources": [{"name": "*", "action": "deny"}]}
        await cluster.apply(body(INTENTIONS, "b", denied), INTENTIONS, force=False)
        everywhere = {"config": {"protocol": "http"}}
        await cluster.apply(body(PROXY_DEFAULTS, "global", everywhere), PROXY_DEFAULTS, force=False)
    assert secure_consul.entry("service-defaults", "b")
    assert len(secure_consul.intentions()) == 1


async def test_a_token_that_may_only_read_is_told_before_anything_is_tried(
    secure_consul: Server, tmp_path: Path
) -> None:
    secret, ca = token(secure_consul, READING, tmp_path), authority(secure_consul, tmp_path)
    secure_consul.put("service-defaults", "b", Protocol="http")
    async with opened(secure_consul.address, tmp_path, secret, ca) as cluster:
        listing = await cluster.list_objects([DEFAULTS, INTENTIONS])
        assert [one.key for one in listing.objects] == [key(DEFAULTS, "b")]
        assert not listing.unread
        with pytest.raises(Forbidden, match='lacks rules: intentions in service_prefix "": write, service_prefix'):
            await cluster.missing_rights(NEEDED)
        with pytest.raises(Forbidden, match="Permission denied"):
            await cluster.apply(body(DEFAULTS, "c", {"protocol": "http"}), DEFAULTS, force=False)
    assert secure_consul.entry("service-defaults", "c") is None


async def test_a_list_of_which_the_token_sees_a_part_counts_as_not_read(secure_consul: Server, tmp_path: Path) -> None:
    """The server itself leaves the others out without a word, and they would be taken for removed."""
    secure_consul.put("service-defaults", "hidden", Protocol="http")
    rules = 'service "b" { policy = "write" intentions = "write" }'
    secret, ca = token(secure_consul, rules, tmp_path), authority(secure_consul, tmp_path)
    async with opened(secure_consul.address, tmp_path, secret, ca) as cluster:
        found = await cluster.list_objects([DEFAULTS, INTENTIONS])
        assert set(found.unread) == {DEFAULTS.kind, INTENTIONS.kind}
        assert 'service_prefix "": read' in found.unread[DEFAULTS.kind]
        missing = await cluster.missing_rights(sorted(listing([DEFAULTS])))
    assert missing == (Right(GROUP, "servicedefaults", "list"),)


async def test_without_its_token_or_authority_nothing_is_told(secure_consul: Server, tmp_path: Path) -> None:
    ca = authority(secure_consul, tmp_path)
    (tmp_path / "wrong").write_text("00000000-0000-0000-0000-000000000000\n")
    async with opened(secure_consul.address, tmp_path, tmp_path / "wrong", ca) as cluster:
        with pytest.raises(Forbidden, match="ACL not found"):
            await cluster.list_objects([DEFAULTS])
        await cluster.probe()
    async with opened(secure_consul.address, tmp_path, tmp_path / "gone", ca) as cluster:
        with pytest.raises(Unreachable, match="cannot read file") as problem:
            await cluster.probe()
        assert not problem.value.retryable
    async with opened(secure_consul.address, tmp_path) as cluster:
        with pytest.raises(Unreachable, match="certificate"):
            await cluster.probe()


async def test_a_token_is_read_anew_when_it_was_replaced(secure_consul: Server, tmp_path: Path) -> None:
    ca, file = authority(secure_consul, tmp_path), tmp_path / "current"
    file.write_text("00000000-0000-0000-0000-000000000000\n")
    async with opened(secure_consul.address, tmp_path, file, ca) as cluster:
        with pytest.raises(Forbidden):
            await cluster.list_objects([DEFAULTS])
        file.write_text(token(secure_consul, ENOUGH, tmp_path, "next").read_text())
        assert (await cluster.list_objects([DEFAULTS])).objects == ()
