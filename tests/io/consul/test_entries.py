"""Configuration entries at a real server of version 1.8: translated, guarded, owned, refused in its own words."""

from __future__ import annotations

import pytest

from reconciler.model.native import ORIGIN_ANNOTATION
from reconciler.ports import Absent, Conflict, Rejected
from tests.consul.server import Server
from tests.io.consul.port import (  # fmt: skip
    DEFAULTS,
    KINDS,
    MESH,
    OURS,
    PROXY_DEFAULTS,
    RESOLVER,
    ROUTER,
    SPLITTER,
    body,
    key,
    opened,
)

HTTP = body(DEFAULTS, "b", {"protocol": "http"})
SUBSETS = {"v1": {"filter": "Service.Meta.version == v1"}, "v2": {"filter": "Service.Meta.version == v2"}}
RESOLVED = body(RESOLVER, "b", {"connectTimeout": "5s", "subsets": SUBSETS})
SPLIT = body(SPLITTER, "b", {"splits": [{"weight": 90, "serviceSubset": "v1"}, {"weight": 10, "serviceSubset": "v2"}]})
ROUTED = body(
    ROUTER,
    "b",
    {
        "routes": [
            {
                "match": {"http": {"pathPrefix": "/api/", "methods": ["GET"], "header": [{"name": "x", "exact": "1"}]}},
                "destination": {"prefixRewrite": "/", "requestTimeout": "7s", "numRetries": 3},
            }
        ]
    },
)
CHAIN = ((HTTP, DEFAULTS), (RESOLVED, RESOLVER), (SPLIT, SPLITTER), (ROUTED, ROUTER))


async def test_what_is_written_is_an_entry_and_reads_back_as_it_was_asked(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        for wanted, kind in CHAIN:
            written = await cluster.apply(wanted, kind, force=False)
            assert (written.created, written.body) == (True, wanted)
        listing = await cluster.list_objects(KINDS)
        assert {one.key: one.body() for one in listing.objects} == {key(kind, "b"): wanted for wanted, kind in CHAIN}
        assert {one.owner for one in listing.objects} == {"shop"}
    entry = consul.entry("service-router", "b")
    assert entry is not None
    assert entry["Meta"] == {**OURS, ORIGIN_ANNOTATION: "TrafficPolicy/shop/p"}
    [route] = entry["Routes"]
    assert route["Match"]["HTTP"]["Header"] == [{"Name": "x", "Exact": "1"}]
    said = {"PrefixRewrite": "/", "RequestTimeout": "7s", "NumRetries": 3}
    assert route["Destination"] == {**said, "Namespace": "default"}, (
        "the server adds the namespace, and that is no drift"
    )


async def test_a_long_origin_is_kept_whole(consul: Server) -> None:
    origin = ",".join(f"TrafficPolicy/shop/é{number}" for number in range(60))
    async with opened(consul.address) as cluster:
        await cluster.apply(body(DEFAULTS, "b", {"protocol": "http"}, origin), DEFAULTS, force=False)
        found = await cluster.read(key(DEFAULTS, "b"), DEFAULTS)
    assert found is not None
    assert found.annotations[ORIGIN_ANNOTATION] == origin


async def test_kinds_that_an_old_server_lacks_are_absent(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        listing = await cluster.list_objects([MESH, DEFAULTS])
    assert (listing.absent, listing.unread, listing.objects) == ({MESH.kind}, {}, ())


async def test_the_server_refuses_a_chain_that_would_not_hold_in_its_own_words(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        with pytest.raises(Rejected, match='uses a protocol "tcp" that does not permit advanced routing'):
            await cluster.apply(ROUTED, ROUTER, force=False)
        await cluster.apply(HTTP, DEFAULTS, force=False)
        with pytest.raises(Rejected, match='does not have a subset named "v1"'):
            await cluster.apply(SPLIT, SPLITTER, force=False)
        await cluster.apply(RESOLVED, RESOLVER, force=False)
        uneven = body(SPLITTER, "b", {"splits": [{"weight": 90, "serviceSubset": "v1"}]})
        with pytest.raises(Rejected, match="the sum of all split weights must be 100, not 90"):
            await cluster.apply(uneven, SPLITTER, force=False)
        newer = body(ROUTER, "b", {"routes": [{"destination": {"retryOn": ["5xx"]}}]})
        with pytest.raises(Rejected, match="invalid config key"):
            await cluster.apply(newer, ROUTER, force=False)
        await cluster.apply(SPLIT, SPLITTER, force=False)
        resolver = await cluster.read(key(RESOLVER, "b"), RESOLVER)
        assert resolver is not None
        with pytest.raises(Rejected, match='does not have a subset named "v1"'):
            await cluster.delete(resolver.key, RESOLVER, "", resolver.resource_version)
        tcp = {**body(DEFAULTS, "b", {"protocol": "tcp"})}
        with pytest.raises(Rejected, match="does not permit advanced routing"):
            await cluster.apply(tcp, DEFAULTS, force=True)


async def test_nobody_else_s_write_is_lost(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        first = await cluster.apply(HTTP, DEFAULTS, force=False)
        consul.put("service-defaults", "b", Protocol="grpc")
        late = {**HTTP, "metadata": {**HTTP["metadata"], "resourceVersion": first.resource_version}}
        with pytest.raises(Conflict):
            await cluster.apply(late, DEFAULTS, force=True)
        with pytest.raises(Conflict):
            await cluster.delete(key(DEFAULTS, "b"), DEFAULTS, "", first.resource_version)
        with pytest.raises(Conflict):
            await cluster.remove_fields(key(DEFAULTS, "b"), DEFAULTS, ["/spec/protocol"], first.resource_version)
        with pytest.raises(Conflict, match="already"):
            await cluster.apply(HTTP, DEFAULTS, force=False)
    entry = consul.entry("service-defaults", "b")
    assert entry is not None
    assert entry["Protocol"] == "grpc"


async def test_an_object_that_is_gone_is_not_made_again_by_an_update(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        written = await cluster.apply(HTTP, DEFAULTS, force=False)
        consul.request("DELETE", "config/service-defaults/b")
        late = {**HTTP, "metadata": {**HTTP["metadata"], "resourceVersion": written.resource_version}}
        with pytest.raises(Conflict, match="not there any more"):
            await cluster.apply(late, DEFAULTS, force=True)
        with pytest.raises(Absent):
            await cluster.remove_fields(key(DEFAULTS, "b"), DEFAULTS, ["/spec/protocol"], written.resource_version)
        await cluster.delete(key(DEFAULTS, "b"), DEFAULTS, "", written.resource_version)
    assert consul.entry("service-defaults", "b") is None


async def test_meta_of_others_stays_when_ours_changes(consul: Server) -> None:
    consul.put("service-defaults", "b", Protocol="http", Meta={"team": "checkout"})
    async with opened(consul.address) as cluster:
        written = await cluster.apply(HTTP, DEFAULTS, force=True)
    entry = consul.entry("service-defaults", "b")
    assert entry is not None
    assert entry["Meta"] == {
        **OURS,
        ORIGIN_ANNOTATION: "TrafficPolicy/shop/p",
        "team": "checkout",
    }
    assert written.body["metadata"]["annotations"]["team"] == "checkout"


async def test_a_field_that_somebody_set_is_taken_away(consul: Server) -> None:
    consul.put("service-defaults", "b", Protocol="http", ExternalSNI="b.example.org")
    async with opened(consul.address) as cluster:
        found = await cluster.read(key(DEFAULTS, "b"), DEFAULTS)
        assert found is not None
        assert found.body()["spec"] == {"protocol": "http", "externalSNI": "b.example.org"}
        await cluster.remove_fields(found.key, DEFAULTS, ["/spec/externalSNI"], found.resource_version)
    entry = consul.entry("service-defaults", "b")
    assert entry is not None
    assert "ExternalSNI" not in entry
    assert entry["Protocol"] == "http"


async def test_defaults_of_all_proxies_are_not_overwritten_under_another_name(consul: Server) -> None:
    """The server itself would answer true and overwrite the only one."""
    consul.put("proxy-defaults", "global", Config={"protocol": "http"})
    async with opened(consul.address) as cluster:
        with pytest.raises(Rejected, match="called 'global'"):
            await cluster.apply(body(PROXY_DEFAULTS, "other", {"config": {}}), PROXY_DEFAULTS, force=False)
        prediction = await cluster.predict(body(PROXY_DEFAULTS, "other", {"config": {}}), PROXY_DEFAULTS)
    assert "called 'global'" in prediction.error
    entry = consul.entry("proxy-defaults", "global")
    assert entry is not None
    assert entry["Config"] == {"protocol": "http"}


async def test_other_namespaces_and_kinds_are_refused(consul: Server) -> None:
    elsewhere = {**HTTP, "metadata": {**HTTP["metadata"], "namespace": "shop"}}
    async with opened(consul.address) as cluster:
        with pytest.raises(Rejected, match="everything in a datacenter lies in 'default'"):
            await cluster.apply(elsewhere, DEFAULTS, force=False)
