"""By what requests are told apart where a hash chooses the endpoint: the callers' routes say it, for every service
that they send to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.durations import canonical
from reconciler.adapters.envoy.amounts import length
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import Backend, MeshIntent, Route
from reconciler.model.rules import Leaf

KEYS = ("header", "cookie", "sourceIp", "query")


def hash_policies(route: Route, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """``hash_policy`` of a route; empty where no service that it sends to asks for one."""
    found: list[dict[str, Any]] = []
    for backend in route.backends:
        leaves = leaves_of(backend, intent)
        one = _policy(section(section(tree(leaves), "loadBalancing"), "hash"), leaves, gaps)
        if one and one not in found:
            found.append(one)
    if len(found) > 1:
        told = "a route sends to services that ask for different keys of a hash, and the mesh has one for the route"
        gaps.about(route.askers.backends).error("mesh-inexpressible", told)
    return {"hash_policy": found} if found else {}


def keeps_subset(route: Route, intent: MeshIntent) -> bool:
    """Whether the same key is to choose the part of a service, too."""
    rules = (section(tree(leaves_of(one, intent)), "loadBalancing") for one in route.backends)
    return any(rule.get("subsetStickiness") is True for rule in rules)


def leaves_of(backend: Backend, intent: MeshIntent) -> tuple[Leaf, ...]:
    """What holds for all of a service, or for the part of it that a route sends to."""
    hosts: Iterable[Any] = intent.hosts_by_name.get((backend.service.name, backend.service.namespace), ())
    return next((host.part_leaves.get(backend.subset, host.host_leaves) for host in hosts), ())


def _policy(asked: Mapping[str, Any], leaves: Iterable[Leaf], gaps: Gaps) -> dict[str, Any]:
    key = next((key for key in KEYS if asked.get(key) not in (None, False)), "")
    match key:
        case "header":
            return {"header": {"header_name": str(asked[key]).lower()}}
        case "query":
            return {"query_parameter": {"name": str(asked[key])}}
        case "sourceIp":
            return {"connection_properties": {"source_ip": True}}
        case "cookie":
            return {"cookie": _cookie(asked[key], leaf_at(leaves, "traffic.loadBalancing"), gaps)}
        case _:
            return {}


def _cookie(value: Any, leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """A name, or ``{name, path, ttl}``; with a ttl the proxy makes the cookie, with one of 0s for the session."""
    if not isinstance(value, Mapping):
        return {"name": str(value)}
    cookie = {field: str(value[field]) for field in ("name", "path") if field in value}
    if "ttl" in value:
        ttl = canonical(str(value["ttl"]))
        cookie["ttl"] = ttl if ttl == "0s" else length(value["ttl"], leaf, gaps)
    return cookie
