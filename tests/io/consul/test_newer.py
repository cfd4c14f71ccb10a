"""What only servers since 1.9 have, against one that answers as their API is documented: none of them can run here."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.io.consul.catalog import default_policy
from reconciler.model.native import NativeKind
from reconciler.ports import Conflict
from tests.consul.newer import serving
from tests.io.consul.port import DEFAULTS, INTENTIONS, KINDS, MESH, PROXY_DEFAULTS, TOKENS, body, key, opened

READERS: dict[str, Any] = {
    "destination": {"name": "b"},
    "sources": [
        {
            "name": "a",
            "permissions": [
                {
                    "action": "allow",
                    "http": {"pathPrefix": "/api/", "methods": ["GET"], "header": [{"name": "x", "present": True}]},
                },
                {"action": "deny", "http": {"pathPrefix": "/"}},
            ],
        },
        {"name": "*", "action": "deny"},
    ],
}


async def test_intentions_are_one_entry_for_each_destination() -> None:
    async with serving() as (server, address), opened(address) as cluster:
        written = await cluster.apply(body(INTENTIONS, "b", READERS), INTENTIONS, force=False)
        [found] = (await cluster.list_objects([INTENTIONS])).objects
    assert written.body == found.body() == body(INTENTIONS, "b", READERS)
    assert found.resource_version == written.resource_version == "11"
    entry = server.entries["service-intentions", "b"]
    assert [source["Name"] for source in entry["Sources"]] == ["a", "*"]
    assert entry["Sources"][0]["Permissions"][0] == {
        "Action": "allow",
        "HTTP": {"PathPrefix": "/api/", "Methods": ["GET"], "Header": [{"Name": "x", "Present": True}]},
    }
    assert not [asked for asked in server.asked if "connect/intentions" in asked]


async def test_the_wildcard_is_the_name_of_its_entry() -> None:
    denied = {"destination": {"name": "*"}, "sources": [{"name": "*", "action": "deny"}]}
    async with serving() as (server, address), opened(address) as cluster:
        await cluster.apply(body(INTENTIONS, "all.services", denied), INTENTIONS, force=False)
        [found] = (await cluster.list_objects([INTENTIONS])).objects
    assert ("service-intentions", "*") in server.entries
    assert (found.key, found.body()["spec"]) == (key(INTENTIONS, "all.services"), denied)


async def test_a_removal_is_guarded_by_the_server_too() -> None:
    async with serving() as (server, address), opened(address) as cluster:
        written = await cluster.apply(body(INTENTIONS, "b", READERS), INTENTIONS, force=False)
        server.put({"Kind": "service-intentions", "Name": "b", "Sources": [{"Name": "c", "Action": "deny"}]})
        with pytest.raises(Conflict):
            await cluster.delete(key(INTENTIONS, "b"), INTENTIONS, "", written.resource_version)
        found = await cluster.read(key(INTENTIONS, "b"), INTENTIONS)
        assert found is not None
        await cluster.delete(found.key, INTENTIONS, "", found.resource_version)
    assert server.entries == {}


async def test_a_list_that_the_server_says_is_not_whole_counts_as_not_read() -> None:
    async with serving() as (server, address), opened(address) as cluster:
        server.put({"Kind": "service-defaults", "Name": "b", "Protocol": "http"})
        server.filtered = True
        listing = await cluster.list_objects([DEFAULTS])
    assert dict(listing.unread) == {DEFAULTS.kind: "the token may see a part of them only"}
    assert listing.objects == ()


async def test_entries_without_a_name_and_kinds_that_are_new() -> None:
    strict = {"allowEnablingPermissiveMutualTLS": False, "tls": {"incoming": {"tlsMinVersion": "TLSv1_2"}}}
    async with serving() as (server, address), opened(address) as cluster:
        await cluster.apply(body(MESH, "mesh", strict), MESH, force=False)
        listing = await cluster.list_objects(KINDS)
    assert listing.absent == frozenset()
    assert listing.objects[0].body() == body(MESH, "mesh", strict)
    entry = server.entries["mesh", "mesh"]
    assert entry["AllowEnablingPermissiveMutualTLS"] is False
    assert entry["TLS"] == {"Incoming": {"TLSMinVersion": "TLSv1_2"}}


async def test_what_callers_keep_to_is_translated_both_ways() -> None:
    spec = {
        "mutualTLSMode": "strict",
        "upstreamConfig": {
            "overrides": [
                {
                    "name": "b",
                    "limits": {"maxConnections": 100, "maxPendingRequests": 10, "maxConcurrentRequests": 100},
                    "passiveHealthCheck": {"interval": "10s", "maxFailures": 5, "enforcingConsecutive5xx": 0},
                }
            ]
        },
    }
    async with serving() as (server, address), opened(address) as cluster:
        written = await cluster.apply(body(DEFAULTS, "a", spec), DEFAULTS, force=False)
        assert written.body["spec"] == spec
        entry = server.entries["service-defaults", "a"]
        [override] = entry["UpstreamConfig"]["Overrides"]
        assert entry["MutualTLSMode"] == "strict"
        assert override["Limits"] == {"MaxConnections": 100, "MaxPendingRequests": 10, "MaxConcurrentRequests": 100}
        # as the server gives lengths of time where it does not write them as text
        override["PassiveHealthCheck"]["Interval"] = 10_000_000_000
        found = await cluster.read(key(DEFAULTS, "a"), DEFAULTS)
    assert found is not None
    assert found.body()["spec"] == spec


async def test_who_issues_tokens_and_what_is_asked_of_them_is_translated_both_ways() -> None:
    remote = {"uri": "https://id.example.org/keys", "requestTimeoutMs": 5000, "cacheDuration": "10m"}
    provider = {
        "issuer": "https://id.example.org",
        "jsonWebKeySet": {"remote": remote},
        "locations": [{"header": {"name": "x-token", "valuePrefix": "Token "}}, {"queryParam": {"name": "token"}}],
    }
    claims = [{"path": ["realm", "role"], "value": "admin"}]
    asked = {"action": "allow", "http": {"pathPrefix": "/"}}
    asked |= {"jwt": {"providers": [{"name": "issuer", "verifyClaims": claims}]}}
    spec = {"destination": {"name": "b"}, "sources": [{"name": "*", "permissions": [asked]}]}
    async with serving() as (server, address), opened(address) as cluster:
        written = await cluster.apply(body(TOKENS, "issuer", provider), TOKENS, force=False)
        listing = await cluster.list_objects(KINDS)
        found = await cluster.apply(body(INTENTIONS, "b", spec), INTENTIONS, force=False)
    assert written.body["spec"] == {**provider, "clockSkewSeconds": 30}
    assert [one.key for one in listing.objects] == [key(TOKENS, "issuer")]
    assert found.body["spec"] == spec
    entry = server.entries["jwt-provider", "issuer"]
    assert entry["JSONWebKeySet"]["Remote"]["URI"] == "https://id.example.org/keys"
    assert entry["Locations"][1] == {"QueryParam": {"Name": "token"}}
    [source] = server.entries["service-intentions", "b"]["Sources"]
    issuer = {"Name": "issuer", "VerifyClaims": [{"Path": ["realm", "role"], "Value": "admin"}]}
    assert source["Permissions"][0]["JWT"] == {"Providers": [issuer]}


async def test_what_proxies_do_besides_is_kept_as_it_is_written() -> None:
    script = {"ProxyType": "connect-proxy", "Listener": "inbound", "Script": "function envoy_on_request(handle) end"}
    spec = {
        "protocol": "http",
        "envoyExtensions": [
            {"name": "builtin/ext-authz", "arguments": {"Config": {"GrpcService": {}}}, "required": True},
            {"name": "builtin/lua", "arguments": script},
        ],
    }
    async with serving() as (server, address), opened(address) as cluster:
        written = await cluster.apply(body(DEFAULTS, "a", spec), DEFAULTS, force=False)
    assert written.body["spec"] == spec
    first, second = server.entries["service-defaults", "a"]["EnvoyExtensions"]
    assert first == {"Name": "builtin/ext-authz", "Arguments": {"Config": {"GrpcService": {}}}, "Required": True}
    assert second == {"Name": "builtin/lua", "Arguments": script}


async def test_an_access_log_stands_beside_what_others_say_of_all_proxies() -> None:
    """What we do not say any more does not stay: it is written empty, which is how servers have it."""
    logs = {"enabled": True, "type": "file", "path": "/a.log", "textFormat": "", "jsonFormat": "{}"}
    shared = NativeKind(PROXY_DEFAULTS.kind, PROXY_DEFAULTS.versions, PROXY_DEFAULTS.plural, exclusive=False)
    async with serving() as (server, address), opened(address) as cluster:
        server.put({"Kind": "proxy-defaults", "Name": "global", "Config": {"protocol": "http"}})
        await cluster.apply(body(shared, "global", {"accessLogs": logs}), shared, force=True)
        plain = {"accessLogs": {**logs, "type": "stdout", "path": "", "jsonFormat": ""}}
        await cluster.apply(body(shared, "global", plain), shared, force=True)
    entry = server.entries["proxy-defaults", "global"]
    assert entry["Config"] == {"protocol": "http"}
    said = {"Enabled": True, "Type": "stdout", "Path": "", "TextFormat": "", "JSONFormat": ""}
    assert entry["AccessLogs"] == said


@pytest.mark.parametrize(
    ("told", "policy"),
    [
        ({"ACLsEnabled": True, "ACLDefaultPolicy": "deny"}, "deny"),
        ({"ACLsEnabled": True, "ACLResolverSettings": {"ACLsEnabled": True, "ACLDefaultPolicy": "deny"}}, "deny"),
        ({"ACLsEnabled": True, "ACLResolverSettings": {"ACLsEnabled": True, "ACLDefaultPolicy": "allow"}}, "allow"),
        ({"ACLsEnabled": False, "ACLResolverSettings": {"ACLsEnabled": False, "ACLDefaultPolicy": "deny"}}, "allow"),
        ({"ACLsEnabled": False, "DefaultIntentionPolicy": "deny", "ACLResolverSettings": {}}, "deny"),
        ({}, ""),
    ],
)
def test_what_servers_do_by_themselves_is_read_where_each_tells_it(told: dict[str, Any], policy: str) -> None:
    assert default_policy(told) == policy
