"""``trafficPolicy.loadBalancer`` as ``loadBalancing``: the policy or a hash, localities, warming up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.istio.rule_fields import BALANCERS, inverse
from reconciler.adapters.rest import Rest
from reconciler.adapters.shortened import duration

_SIMPLE = inverse(BALANCERS)
_HASH = {"httpHeaderName": "header", "httpQueryParameterName": "query", "useSourceIp": "sourceIp"}
#: where what holds for a host lies in its spec
POLICY = "trafficPolicy"
_BALANCER = (POLICY, "loadBalancer")
_PARTS = ("region", "zone", "subZone")
Part = Mapping[str, Any]


def balancing(given: Part, rest: Rest, *, ejects: bool) -> dict[str, Any]:
    """``ejects``: there is outlier detection, which localities need; where there is none, we would add some."""
    said = [*_algorithm(given), *_warmup(given), *(_locality(given) if ejects else ())]
    known = {field for field, _ in said}
    rest.keep(given, known, *_BALANCER)
    made: dict[str, Any] = {}
    for _, part in said:
        made |= part
    return made


def _algorithm(given: Part) -> list[tuple[str, dict[str, Any]]]:
    hashed, simple = given.get("consistentHash") or {}, given.get("simple")
    if simple in _SIMPLE and not hashed:
        return [("simple", {"policy": _SIMPLE[simple]})]
    if not hashed or simple or set(hashed) - {*_HASH, "httpCookie", "maglev"}:
        return []
    key = {ours: hashed[field] for field, ours in _HASH.items() if field in hashed}
    if cookie := hashed.get("httpCookie"):
        key["cookie"] = {field: cookie[field] for field in ("name", "path") if cookie.get(field) is not None}
        key["cookie"] |= {"ttl": duration(cookie["ttl"])} if cookie.get("ttl") else {}
    policy = "Maglev" if "maglev" in hashed else "RingHash"
    return [("consistentHash", {"policy": policy, "hash": key})]


def _warmup(given: Part) -> list[tuple[str, dict[str, Any]]]:
    if "warmupDurationSecs" in given and "warmup" not in given:
        return [("warmupDurationSecs", {"warmup": duration(given["warmupDurationSecs"])})]
    if (given.get("warmup") or {}).keys() == {"duration"}:
        return [("warmup", {"warmup": duration(given["warmup"]["duration"])})]
    return []


def _locality(given: Part) -> list[tuple[str, dict[str, Any]]]:
    setting = given.get("localityLbSetting") or {}
    if "enabled" not in setting or set(setting) - {"enabled", "failover", "distribute"}:
        return []
    if not setting["enabled"]:
        return [] if len(setting) > 1 else [("localityLbSetting", {"locality": {"prefer": "None"}})]
    made: dict[str, Any] = {}
    if steps := setting.get("failover"):
        made["failover"] = [{"from": {"region": one["from"]}, "to": [{"region": one["to"]}]} for one in steps]
    if shares := setting.get("distribute"):
        made["distribute"] = [{"from": _place(one["from"]), "to": _shares(one["to"])} for one in shares]
    return [("localityLbSetting", {"locality": made or {"prefer": "Local"}})]


def _shares(given: Part) -> list[dict[str, Any]]:
    return [{"locality": _place(place), "weight": weight} for place, weight in sorted(given.items())]


def _place(text: str) -> dict[str, str]:
    """``region/zone/*`` and the like."""
    return {part: name for part, name in zip(_PARTS, text.split("/"), strict=False) if name != "*"}
