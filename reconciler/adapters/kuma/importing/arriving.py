"""What holds where requests arrive at the workloads of a service: modes, permissions, faults and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.kuma.importing.parts import TYPE, behind, policy
from reconciler.adapters.leaves import section
from reconciler.adapters.shortened import duration

_UNITS = {"1s": "Second", "1m": "Minute", "1m0s": "Minute", "1h": "Hour", "1h0m0s": "Hour", "24h": "Day"}
_ACCOUNT = re.compile(r"spiffe://([^/]+)/ns/([^/]+)/sa/([^/]+)")


def mode(body: Body, scene: Scene) -> Draft:
    service, said = behind(body, scene)
    only(said, ("mode",), "default")
    return policy(body, service, {"mtls": said["mode"]}, scene, about="mtls")


def fault(body: Body, scene: Scene) -> Draft:
    service, said = behind(body, scene)
    only(said, ("http",), "default")
    (one,) = said["http"]
    only(one, ("delay", "abort"), "http")
    made: dict[str, Any] = {}
    if delay := section(one, "delay"):
        made["delay"] = {"duration": duration(delay["value"]), "percent": float(delay["percentage"])}
    if abort := section(one, "abort"):
        made["abort"] = {"httpStatus": abort["httpStatus"], "percent": float(abort["percentage"])}
    return policy(body, service, {"fault": made}, scene, about="faults")


def limit(body: Body, scene: Scene) -> Draft:
    service, said = behind(body, scene)
    only(said, ("local",), "default")
    only(section(said, "local"), ("http",), "local")
    http = section(section(said, "local"), "http")
    only(http, ("requestRate",), "http")
    rate = section(http, "requestRate")
    if rate.get("interval") not in _UNITS:
        raise Unsayable("requests are counted over a time that is no unit")
    made = {"requests": rate["num"], "unit": _UNITS[rate["interval"]]}
    return policy(body, service, {"rateLimit": {"local": made}}, scene, about="limit")


def permission(body: Body, scene: Scene) -> Draft:
    """One that allows, or one that denies."""
    service, said = behind(body, scene)
    only(said, ("allow", "deny"), "default")
    if len(said) != 1:
        raise Unsayable("it allows some and denies others")
    (verb, callers), name = next(iter(said.items())), key_of(body).name
    usual = f"{service.ref.name}-{verb}-{name}"
    spec = {
        "action": verb.capitalize(),
        "from": [_caller(one, scene) for one in callers],
        "to": [scene.short(service.ref)],
        **named(TYPE, body, usual, scene),
    }
    return Draft(key_of(body), ({"kind": "AccessPolicy", "name": name, "spec": spec},))


def _caller(given: Mapping[str, Any], scene: Scene) -> Any:
    only(given, ("spiffeID",), "match")
    wanted = section(given, "spiffeID")
    value = str(wanted["value"])
    if wanted["type"] == "Prefix":
        return {"authenticated": True} if value == "spiffe://" else {"identities": [f"{value}*"]}
    found = _ACCOUNT.fullmatch(value)
    if found and found[1] == scene.mesh.trust_domain:
        return f"sa/{found[3]}.{found[2]}"
    return {"identities": [value]}
