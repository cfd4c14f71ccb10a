"""What is registered at a real server, as facts."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.model.facts import PortFacts
from reconciler.ports import Unreachable
from tests.consul.server import Server
from tests.io.consul.port import DEFAULTS, body, opened


async def test_services_and_their_instances(consul: Server) -> None:
    consul.put("service-defaults", "b", Protocol="grpc")
    consul.register("b", 9000, Meta={"version": "v1"})
    consul.register("b", 9000, number=2, Meta={"version": "v2"})
    consul.register("b", 9000, number=3, Meta={"version": "v1"})
    consul.register("db", 5432, proxied=False)
    async with opened(consul.address) as cluster:
        inspection = await cluster.inspect([])
    facts = inspection.facts
    assert [(one.ref.namespace, one.ref.name, one.ports) for one in facts.services] == [
        ("default", "b", (PortFacts(9000, app_protocol="grpc"),)),
        ("default", "db", (PortFacts(5432),)),
    ]
    found = facts.workloads_with("default", facts.services[0].selector)
    assert [(one.name, dict(one.labels), one.service_account) for one in found] == [
        ("b-1", {"version": "v1", "service": "b"}, "b"),
        ("b-2", {"version": "v2", "service": "b"}, "b"),
    ]
    [itself] = inspection.objects
    spec = itself["spec"]
    assert spec["outside"] == ["db-1"]
    assert (spec["version"], spec["datacenter"], spec["defaultPolicy"]) == ("1.8.7", "dc1", "allow")
    assert spec["trustDomain"].endswith(".consul")


async def test_gateways_are_told_apart_from_services(consul: Server) -> None:
    for name, kind in (("public", "ingress-gateway"), ("east", "mesh-gateway"), ("out", "terminating-gateway")):
        consul.register(name, 8443, proxied=False, Kind=kind, Address="192.0.2.7")
    async with opened(consul.address) as cluster:
        inspection = await cluster.inspect([])
    assert inspection.facts.services == ()
    assert inspection.objects[0]["spec"]["gateways"] == [  # type: ignore[index]
        {"name": "east", "role": "EastWest", "addresses": ["192.0.2.7"], "ports": [8443]},
        {"name": "out", "role": "Egress", "addresses": ["192.0.2.7"], "ports": [8443]},
        {"name": "public", "role": "Ingress", "addresses": ["192.0.2.7"], "ports": [8443]},
    ]


async def test_the_protocol_of_all_proxies_holds_where_a_service_has_none(consul: Server) -> None:
    consul.put("proxy-defaults", "global", Config={"protocol": "http"})
    consul.register("b")
    async with opened(consul.address) as cluster:
        facts = (await cluster.inspect([])).facts
    assert facts.services[0].ports == (PortFacts(8080, app_protocol="http"),)


async def test_a_server_that_is_down_or_silent_is_unreachable() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"http://127.0.0.1:{port}", patience=0.3) as cluster:
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            await cluster.probe()
        with pytest.raises(Unreachable):
            await cluster.inspect([])
        with pytest.raises(Unreachable):
            await cluster.apply(body(DEFAULTS, "b", {}), DEFAULTS, force=False)
    async with opened(f"http://127.0.0.1:{port}") as cluster:
        with pytest.raises(Unreachable) as problem:
            await cluster.list_objects([DEFAULTS])
    assert problem.value.retryable
