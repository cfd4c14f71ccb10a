"""DestinationRule: its subsets as a Destination, the rest as a TrafficPolicy for the whole service.

What no neutral field covers goes into a native patch of the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.services import own_service
from reconciler.adapters.istio.meaning.names import spec_of
from reconciler.adapters.shortened import duration

_POLICY = "trafficPolicy"
_OUTLIER = {
    "consecutive5xxErrors": "consecutiveErrors",
    "consecutiveGatewayErrors": "consecutiveGatewayErrors",
    "interval": "interval",
    "baseEjectionTime": "baseEjection",
    "maxEjectionPercent": "maxEjectionPercent",
    "minHealthPercent": "minHealthPercent",
}
_TCP = {"maxConnections": "max", "connectTimeout": "connectTimeout"}
_KEEPALIVE = {"probes": "probes", "time": "time", "interval": "interval"}
_HTTP = {
    "http1MaxPendingRequests": "maxPending",
    "http2MaxRequests": "maxRequests",
    "maxRequestsPerConnection": "maxPerConnection",
    "maxRetries": "maxRetries",
    "idleTimeout": "idle",
}
_LENGTHS = {"interval", "baseEjection", "connectTimeout", "idle", "time"}
_UPGRADE = {"UPGRADE": True, "DO_NOT_UPGRADE": False}
_SIMPLE = {
    "ROUND_ROBIN": "RoundRobin",
    "LEAST_REQUEST": "LeastRequest",
    "RANDOM": "Random",
    "PASSTHROUGH": "Passthrough",
}
_HASH = {"httpHeaderName": "header", "httpQueryParameterName": "query", "useSourceIp": "sourceIp"}


def destination_rule(body: Body, scene: Scene) -> Draft:
    spec, name, rest = spec_of(body), str(body["metadata"]["name"]), _Rest()
    own = own_service(str(spec.get("host", "")), body, scene)
    rest.keep(spec, ("host", "subsets", "trafficPolicy"))
    documents: list[dict[str, Any]] = []
    if subsets := _subsets(spec.get("subsets") or [], rest):
        parts = {"service": scene.short(own), "subsets": subsets}
        documents.append({"kind": "Destination", "name": name, "spec": parts})
    if rule := _rule(spec.get("trafficPolicy") or {}, rest):
        wide = {"to": [scene.short(own)], "rule": rule}
        documents.append({"kind": "TrafficPolicy", "name": f"{name}-host", "spec": wide})
    if not documents:
        raise Unsayable(f"no neutral field covers {', '.join(rest.fields) or 'it'}")
    documents[0]["spec"] |= named(TYPE, body, own.name, scene, rest.patch)
    return Draft(key_of(body), tuple(documents))


class _Rest:
    """What has no neutral field, as a patch of spec; ``fields`` are their paths."""

    def __init__(self) -> None:
        self.patch: dict[str, Any] = {}
        self.fields: list[str] = []

    def keep(self, given: Mapping[str, Any], known: Iterable[str], *path: str) -> None:
        """Everything of a part of spec but what is known."""
        for field, value in sorted(given.items()):
            if field not in set(known) and value not in (None, {}, []):
                self.put(value, *path, field)

    def put(self, value: Any, *path: str) -> None:
        into = self.patch
        for part in path[:-1]:
            into = into.setdefault(part, {})
        into[path[-1]] = value
        self.fields.append(".".join(path))


def _subsets(given: Sequence[Mapping[str, Any]], rest: _Rest) -> list[dict[str, Any]]:
    """Names and labels; where one has more, a patch gives them all, since it can only replace a list."""
    for one in given:
        if not one.get("labels"):
            raise Unsayable(f"subset {one.get('name')} has no labels")
    if any(one.keys() - {"name", "labels"} for one in given):
        rest.put([dict(one) for one in given], "subsets")
    return [{"name": one["name"], "labels": dict(sorted(one["labels"].items()))} for one in given]


def _rule(given: Mapping[str, Any], rest: _Rest) -> dict[str, Any]:
    rest.keep(given, ("connectionPool", "outlierDetection", "loadBalancer"), _POLICY)
    outlier = given.get("outlierDetection") or {}
    rest.keep(outlier, _OUTLIER, _POLICY, "outlierDetection")
    parts = {
        "outlier": _renamed(outlier, _OUTLIER),
        "connections": _connections(given.get("connectionPool") or {}, rest),
        "loadBalancing": _balancing(given.get("loadBalancer") or {}, rest),
    }
    return {field: part for field, part in parts.items() if part}


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Fields by their neutral names; those that are lengths of time in neutral words."""
    found = {ours: given[field] for field, ours in names.items() if given.get(field) is not None}
    return {ours: duration(value) if ours in _LENGTHS else value for ours, value in found.items()}


def _connections(given: Mapping[str, Any], rest: _Rest) -> dict[str, Any]:
    pool = (_POLICY, "connectionPool")
    tcp, http = given.get("tcp") or {}, given.get("http") or {}
    keepalive = tcp.get("tcpKeepalive") or {}
    upgrade = http.get("h2UpgradePolicy")
    rest.keep(tcp, (*_TCP, "tcpKeepalive"), *pool, "tcp")
    rest.keep(keepalive, _KEEPALIVE, *pool, "tcp", "tcpKeepalive")
    rest.keep(http, (*_HTTP, *(("h2UpgradePolicy",) if upgrade in _UPGRADE else ())), *pool, "http")
    ours_tcp, ours_http = _renamed(tcp, _TCP), _renamed(http, _HTTP)
    if said := _renamed(keepalive, _KEEPALIVE):
        ours_tcp["keepalive"] = said
    if upgrade in _UPGRADE:
        ours_http["h2Upgrade"] = _UPGRADE[upgrade]
    return {name: part for name, part in (("tcp", ours_tcp), ("http", ours_http)) if part}


def _balancing(given: Mapping[str, Any], rest: _Rest) -> dict[str, Any]:
    hashed, simple = given.get("consistentHash") or {}, given.get("simple")
    if simple in _SIMPLE and not hashed:
        rest.keep(given, ("simple",), _POLICY, "loadBalancer")
        return {"policy": _SIMPLE[simple]}
    if not hashed or simple or set(hashed) - {*_HASH, "httpCookie", "maglev"}:
        rest.keep(given, (), _POLICY, "loadBalancer")
        return {}
    rest.keep(given, ("consistentHash",), _POLICY, "loadBalancer")
    key = _renamed(hashed, _HASH)
    if cookie := hashed.get("httpCookie"):
        key["cookie"] = {field: cookie[field] for field in ("name", "path") if cookie.get(field) is not None}
        key["cookie"] |= {"ttl": duration(cookie["ttl"])} if cookie.get("ttl") else {}
    return {"policy": "Maglev" if "maglev" in hashed else "RingHash", "hash": key}
