"""DestinationRule: its subsets as a Destination, the rest as a TrafficPolicy for the whole service.

What no neutral field covers goes into a native patch of the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.balancing import POLICY, balancing
from reconciler.adapters.istio.importing.services import own_service
from reconciler.adapters.istio.meaning.names import spec_of
from reconciler.adapters.istio.rule_fields import HTTP, KEEPALIVE, LENGTHS, OUTLIER, TCP, TLS_MODES, inverse
from reconciler.adapters.rest import Rest
from reconciler.adapters.shortened import duration

_OUTLIER, _TCP, _KEEPALIVE, _HTTP = (inverse(names) for names in (OUTLIER, TCP, KEEPALIVE, HTTP))
_UPGRADE = {"UPGRADE": True, "DO_NOT_UPGRADE": False}
_TLS = inverse(TLS_MODES)


def destination_rule(body: Body, scene: Scene) -> Draft:
    """Subsets with settings of their own as policies for parts; where that would say something else, by a patch."""
    by_patch = _draft(body, scene, apart=False)
    if not any(one.get("trafficPolicy") for one in spec_of(body).get("subsets") or ()):
        return by_patch
    try:
        return replace(_draft(body, scene, apart=True), otherwise=by_patch)
    except Unsayable:
        return by_patch


def _draft(body: Body, scene: Scene, *, apart: bool) -> Draft:
    spec, name, rest = spec_of(body), str(body["metadata"]["name"]), Rest()
    own = own_service(str(spec.get("host", "")), body, scene)
    rest.keep(spec, ("host", "subsets", "trafficPolicy"))
    documents: list[dict[str, Any]] = []
    given = spec.get("subsets") or []
    if subsets := _subsets(given, rest, apart=apart):
        parts = {"service": scene.short(own), "subsets": subsets}
        documents.append({"kind": "Destination", "name": name, "spec": parts})
    if rule := _rule(spec.get("trafficPolicy") or {}, rest):
        wide = {"to": [scene.short(own)], "rule": rule}
        documents.append({"kind": "TrafficPolicy", "name": f"{name}-host", "spec": wide})
    if not documents:
        raise Unsayable(f"no neutral field covers {', '.join(rest.fields) or 'it'}")
    documents[0]["spec"] |= named(TYPE, body, own.name, scene, rest.patch)
    if apart:
        documents += _parts(given, name, scene.short(own))
    return Draft(key_of(body), tuple(documents))


def _subsets(given: Sequence[Mapping[str, Any]], rest: Rest, *, apart: bool) -> list[dict[str, Any]]:
    """Names and labels; where one has more, a patch gives them all, since it can only replace a list."""
    for one in given:
        if not one.get("labels"):
            raise Unsayable(f"subset {one.get('name')} has no labels")
    known = {"name", "labels"} | ({"trafficPolicy"} if apart else set())
    if any(one.keys() - known for one in given):
        rest.put([dict(one) for one in given], "subsets")
    return [{"name": one["name"], "labels": dict(sorted(one["labels"].items()))} for one in given]


def _parts(given: Sequence[Mapping[str, Any]], name: str, service: str) -> Iterator[dict[str, Any]]:
    """A policy for each subset that has settings; all of them must have neutral names."""
    for one in given:
        rest = Rest()
        rule = _rule(one.get("trafficPolicy") or {}, rest)
        if rest.fields:
            raise Unsayable(f"no neutral field covers {', '.join(rest.fields)} of a subset")
        if rule:
            spec = {"to": [{"services": [service], "subset": one["name"]}], "rule": rule}
            yield {"kind": "TrafficPolicy", "name": f"{name}-{one['name']}", "spec": spec}


def _rule(given: Mapping[str, Any], rest: Rest) -> dict[str, Any]:
    rest.keep(given, ("connectionPool", "outlierDetection", "loadBalancer", "tls", "proxyProtocol"), POLICY)
    outlier = given.get("outlierDetection") or {}
    rest.keep(outlier, _OUTLIER, POLICY, "outlierDetection")
    parts = {
        "outlier": _renamed(outlier, _OUTLIER),
        "connections": _connections(given.get("connectionPool") or {}, rest),
        "loadBalancing": balancing(given.get("loadBalancer") or {}, rest, ejects=bool(outlier)),
        "tls": _tls(given.get("tls") or {}, rest),
        "protocol": _protocol(given.get("proxyProtocol") or {}, rest),
    }
    return {field: part for field, part in parts.items() if part}


def _tls(given: Mapping[str, Any], rest: Rest) -> dict[str, Any]:
    """Files and secrets in the callers' proxies have no neutral name, so all of it goes where one is used."""
    known = {"mode", "sni", "subjectAltNames"}
    if given.get("mode") not in _TLS or given.keys() - known:
        rest.keep(given, (), POLICY, "tls")
        return {}
    return {**given, "mode": _TLS[given["mode"]]}


def _protocol(given: Mapping[str, Any], rest: Rest) -> dict[str, Any]:
    version = given.get("version", "V1")
    rest.keep(given, ("version",), POLICY, "proxyProtocol")
    return {"proxyProtocol": version} if given else {}


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Fields by their neutral names; those that are lengths of time in neutral words."""
    found = {ours: given[field] for field, ours in names.items() if given.get(field) is not None}
    return {ours: duration(value) if ours in LENGTHS else value for ours, value in found.items()}


def _connections(given: Mapping[str, Any], rest: Rest) -> dict[str, Any]:
    pool = (POLICY, "connectionPool")
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
