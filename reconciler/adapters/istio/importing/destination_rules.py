"""DestinationRule: its subsets as a Destination, the rest as a TrafficPolicy for the whole service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.services import own_service
from reconciler.adapters.istio.meaning.names import spec_of
from reconciler.adapters.shortened import duration

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
    spec, name = spec_of(body), str(body["metadata"]["name"])
    only(spec, ("host", "subsets", "trafficPolicy"), "spec")
    own = own_service(str(spec.get("host", "")), body, scene)
    documents: list[dict[str, Any]] = []
    if subsets := [_subset(one) for one in spec.get("subsets") or ()]:
        documents.append(
            {"kind": "Destination", "name": name, "spec": {"service": scene.short(own), "subsets": subsets}}
        )
    if rule := _rule(spec.get("trafficPolicy") or {}):
        wide = {"to": [scene.short(own)], "rule": rule, **named(TYPE, body, own.name, scene)}
        documents.append({"kind": "TrafficPolicy", "name": f"{name}-host", "spec": wide})
    if not documents:
        raise Unsayable("it says nothing")
    return Draft(key_of(body), tuple(documents))


def _subset(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("name", "labels"), "subsets")
    if not given.get("labels"):
        raise Unsayable(f"subset {given.get('name')} has no labels")
    return {"name": given["name"], "labels": dict(sorted(given["labels"].items()))}


def _rule(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("connectionPool", "outlierDetection", "loadBalancer"), "trafficPolicy")
    outlier = given.get("outlierDetection") or {}
    only(outlier, _OUTLIER, "outlierDetection")
    parts = {
        "outlier": _renamed(outlier, _OUTLIER),
        "connections": _connections(given.get("connectionPool") or {}),
        "loadBalancing": _balancing(given.get("loadBalancer") or {}),
    }
    return {field: part for field, part in parts.items() if part}


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Fields by their neutral names; those that are lengths of time in neutral words."""
    found = {ours: given[field] for field, ours in names.items() if given.get(field) is not None}
    return {ours: duration(value) if ours in _LENGTHS else value for ours, value in found.items()}


def _connections(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("tcp", "http"), "connectionPool")
    tcp, http = given.get("tcp") or {}, given.get("http") or {}
    only(tcp, (*_TCP, "tcpKeepalive"), "connectionPool.tcp")
    only(http, (*_HTTP, "h2UpgradePolicy"), "connectionPool.http")
    keepalive = tcp.get("tcpKeepalive") or {}
    only(keepalive, _KEEPALIVE, "tcpKeepalive")
    ours_tcp, ours_http = _renamed(tcp, _TCP), _renamed(http, _HTTP)
    if keepalive:
        ours_tcp["keepalive"] = _renamed(keepalive, _KEEPALIVE)
    if "h2UpgradePolicy" in http:
        if http["h2UpgradePolicy"] not in _UPGRADE:
            raise Unsayable("connectionPool.http.h2UpgradePolicy is left to the mesh")
        ours_http["h2Upgrade"] = _UPGRADE[http["h2UpgradePolicy"]]
    return {name: part for name, part in (("tcp", ours_tcp), ("http", ours_http)) if part}


def _balancing(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("simple", "consistentHash"), "loadBalancer")
    if "simple" in given:
        if given["simple"] not in _SIMPLE:
            raise Unsayable(f"loadBalancer.simple {given['simple']} has no neutral name")
        return {"policy": _SIMPLE[given["simple"]]}
    hashed = given.get("consistentHash") or {}
    only(hashed, (*_HASH, "httpCookie", "maglev"), "consistentHash")
    if not hashed:
        return {}
    key = _renamed(hashed, _HASH)
    if cookie := hashed.get("httpCookie"):
        only(cookie, ("name", "path", "ttl"), "httpCookie")
        key["cookie"] = {field: cookie[field] for field in ("name", "path") if cookie.get(field) is not None}
        key["cookie"] |= {"ttl": duration(cookie["ttl"])} if cookie.get("ttl") else {}
    return {"policy": "Maglev" if "maglev" in hashed else "RingHash", "hash": key}
