"""What the adapter makes of a mesh intent where calls arrive, in parts that a test can look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.envoy import ADAPTER
from reconciler.model.intents import MeshIntent
from tests.adapters import given

MESH = "envoy"
PORTS = [{"number": 80, "name": "http"}, {"number": 5432, "name": "tcp"}]
SERVICES = {
    "a.shop": {"selector": {"app": "a"}, "ports": PORTS},
    "b.shop": {"selector": {"app": "b"}, "ports": [{"number": 9000, "name": "grpc"}, {"number": 9001, "name": "http"}]},
}
#: one proxy for each service
ENDPOINTS = {
    "a.shop": [{"address": "10.0.1.1", "name": "a", "labels": {"version": "v1"}}],
    "b.shop": [{"address": "10.0.1.2", "name": "b"}],
}
Spec = Mapping[str, Any]


def mesh(**said: Any) -> MeshIntent:
    return given.intent({"cluster": {"services": SERVICES}, "endpoints": ENDPOINTS, **said}, MESH)


def spec(intent: MeshIntent, kind: str, name: str) -> dict[str, Any]:
    """Of an object in the namespace of both services."""
    found = [one for built in ADAPTER.build(intent) for one in built.objects if one.kind.kind.kind == kind]
    (body,) = (one.body for one in found if one.body["metadata"]["name"] == name)
    return dict(body["spec"])


def names(intent: MeshIntent, kind: str) -> set[str]:
    objects = [one for built in ADAPTER.build(intent) for one in built.objects]
    return {one.body["metadata"]["name"] for one in objects if one.kind.kind.kind == kind}


def codes(intent: MeshIntent, severity: str) -> list[str]:
    found = (one for built in ADAPTER.build(intent) for one in built.findings)
    return sorted({str(one.code) for one in found if one.severity == severity})


def rules(intent: MeshIntent, role: str, proxy: str = "a", service: str = "a.shop") -> Any:
    """Of a role filter at the HTTP port of a service; None where nothing is said to it."""
    host = spec(intent, "VirtualHost", f"{proxy}~inbound.80~{service}")
    said = host.get("typed_per_filter_config", {}).get(f"reconciler.{role}")
    return said["rbac"]["rules"] if said else None


def chains(intent: MeshIntent, name: str) -> list[Spec]:
    found: list[Spec] = spec(intent, "Listener", name)["filter_chains"]
    return found


def admitted(chain: Spec) -> list[Spec]:
    """Which names a caller may show at a filter chain."""
    context = chain["transport_socket"]["typed_config"]["common_tls_context"]["combined_validation_context"]
    found = context["default_validation_context"]["match_typed_subject_alt_names"]
    return [one["matcher"] for one in found]


def roles(intent: MeshIntent) -> dict[str, Any]:
    """Rules of the network filters of the TCP port, by name."""
    filters = chains(intent, "a~inbound.5432")[0]["filters"]
    return {one["name"]: one["typed_config"].get("rules") for one in filters[:-1]}
