"""ServiceResolver: subsets as a Destination, how instances are connected to and chosen as a TrafficPolicy; what has no
neutral field (failover, redirect, the default subset) as a native patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.consul.importing.services import service
from reconciler.adapters.consul.importing.subsets import subsets_of
from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named
from reconciler.adapters.leaves import section
from reconciler.adapters.rest import Rest
from reconciler.adapters.shortened import duration

TYPE = "consul"
_POLICIES = {"random": "Random", "round_robin": "RoundRobin", "least_request": "LeastRequest"}
_HASHING = {"ring_hash": "RingHash", "maglev": "Maglev"}
_BALANCER = "loadBalancer"
Part = Mapping[str, Any]


def resolver(body: Body, scene: Scene) -> Draft:
    own, spec, rest = service(key_of(body).name, body, scene).ref, section(body, "spec"), Rest()
    name, short = own.name, scene.short(own)
    rest.keep(spec, ("connectTimeout", "subsets", _BALANCER))
    documents: list[dict[str, Any]] = []
    if subsets := subsets_of(section(spec, "subsets"), rest):
        documents.append({"kind": "Destination", "name": name, "spec": {"service": short, "subsets": subsets}})
    rule: dict[str, Any] = {}
    if "connectTimeout" in spec:
        rule["timeout"] = {"connect": duration(spec["connectTimeout"])}
    if balancing := _balancing(section(spec, _BALANCER), rest):
        rule["loadBalancing"] = balancing
    if rule:
        wide = {"to": [short], "rule": rule}
        documents.append({"kind": "TrafficPolicy", "name": f"{name}-instances", "spec": wide})
    if not documents:
        raise Unsayable(f"no neutral field covers {', '.join(f'spec.{field}' for field in rest.fields) or 'it'}")
    documents[0]["spec"] |= named(TYPE, body, name, scene, rest.patch)
    return Draft(key_of(body), tuple(documents))


def _balancing(given: Part, rest: Rest) -> dict[str, Any]:
    """A policy, or a hash of one thing; all of it goes where there is more."""
    policy, hashes = str(given.get("policy") or ""), list(given.get("hashPolicies") or ())
    key = _key(hashes[0]) if len(hashes) == 1 else {}
    if policy in _POLICIES and not hashes:
        rest.keep(given, ("policy",), _BALANCER)
        return {"policy": _POLICIES[policy]}
    if policy in _HASHING and key:
        rest.keep(given, ("policy", "hashPolicies"), _BALANCER)
        return {"policy": _HASHING[policy], "hash": key}
    if given:
        rest.put(dict(given), _BALANCER)
    return {}


def _key(one: Part) -> dict[str, Any]:
    """What is hashed; empty where no neutral field covers it."""
    field, value = one.get("field"), one.get("fieldValue")
    if one.keys() == {"sourceIP"} and one["sourceIP"]:
        return {"sourceIp": True}
    if one.keys() == {"field", "fieldValue"} and field in ("header", "query_parameter"):
        return {"header" if field == "header" else "query": value}
    if field == "cookie" and one.keys() <= {"field", "fieldValue", "cookieConfig"}:
        return _cookie(str(value), section(one, "cookieConfig"))
    return {}


def _cookie(name: str, config: Part) -> dict[str, Any]:
    if not config:
        return {"cookie": name}
    if config.keys() - {"path", "ttl", "session"} or ("ttl" in config) == bool(config.get("session")):
        return {}
    ttl = "0s" if config.get("session") else duration(config["ttl"])
    return {"cookie": {"name": name, "ttl": ttl} | ({"path": config["path"]} if "path" in config else {})}
