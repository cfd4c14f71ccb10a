"""Parts of what proxies are told that several meshes write alike: shares, buckets of a limit, servers that decide,
origins of browsers. Types and names of filters are each mesh's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from reconciler.adapters.durations import canonical
from reconciler.adapters.gaps import Gaps
from reconciler.model.rules import Leaf

Native = dict[str, Any]
#: how many callers, or values of a header, are counted apart at one time; the proxies' own 20 are soon forgotten
COUNTED_APART = 10_000
_UNITS = {"Second": 1, "Minute": 60, "Hour": 3600, "Day": 86400}
_SHORTEST = Fraction(1, 20)  # between two refills of a bucket
_MILLION = 10**6
_BANDWIDTH = re.compile(r"([0-9]+) ?([kKmMG]?)bps")
_THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
#: in bits
_KIBIBYTE = 8 * 1024
_ORIGINS = ("exact", "prefix", "suffix", "regex")


def share(percent: Any) -> Native:
    """``FractionalPercent``, exact to a ten-thousandth; omitted means 100 here."""
    value = Fraction(str(100 if percent is None else percent))
    if value.denominator == 1:
        return {"numerator": int(value), "denominator": "HUNDRED"}
    return {"numerator": round(value * _MILLION / 100), "denominator": "MILLION"}


def kibibytes(limit: str, leaf: Leaf | None, gaps: Gaps) -> int:
    """Of a bandwidth in bits a second, never more than is asked."""
    found = _BANDWIDTH.fullmatch(limit)
    most = int(found[1]) * _THOUSANDS[found[2].lower()] // _KIBIBYTE if found else 0
    if not most:
        gaps.error("mesh-invalid-value", f"not a bandwidth of at least {_KIBIBYTE} bps: {limit!r}", leaf)
    return most


def token_bucket(asked: Mapping[str, Any], leaf: Leaf, gaps: Gaps) -> Native:
    """As many tokens as may come at once; where these are fewer than a unit's, they are refilled more often."""
    requests, unit = int(asked["requests"]), Fraction(_UNITS[asked["unit"]])
    burst = int(asked.get("burst", requests))
    fill, interval = requests, unit
    if burst < requests:
        fill, interval = burst, unit * burst / requests
    if interval < _SHORTEST:
        gaps.error("mesh-invalid-value", f"{requests} a {asked['unit']} need a burst of more than {burst}", leaf)
    return {"max_tokens": burst, "tokens_per_fill": fill, "fill_interval": canonical(f"{round(interval * 10**9)}ns")}


def global_limit(asked: Mapping[str, Any], stage: int, service: Native) -> Native:
    """Fields of a filter that asks a server; what it counts are the limits of the same stage."""
    return {
        "domain": str(asked["domain"]),
        "stage": stage,
        "failure_mode_deny": asked.get("failOpen") is False,
        "rate_limit_service": {"grpc_service": service, "transport_api_version": "V3"},
    }


def counted(asked: Mapping[str, Any], stage: int) -> list[Native]:
    """What is counted, by the entries that the server looks up."""
    return [{"stage": stage, "actions": [_action(entry) for entry in one["entries"]]} for one in asked["descriptors"]]


def _action(entry: Mapping[str, Any]) -> Native:
    if "header" in entry:
        return {"request_headers": {"header_name": str(entry["header"]).lower(), "descriptor_key": str(entry["key"])}}
    return {"generic_key": {"descriptor_key": str(entry["key"]), "descriptor_value": str(entry["value"])}}


def authorization(
    asked: Mapping[str, Any], timeout: str, grpc: Callable[[str], Native], http: Callable[[str], tuple[str, str]]
) -> Native:
    """Fields of a filter that asks a server whether requests may go on. ``grpc`` gives the service for the address of
    one, ``http`` its cluster and host."""
    config: Native = {"transport_api_version": "V3", "failure_mode_allow": asked.get("failOpen") is True}
    server = str(asked["server"])
    if asked.get("protocol", "Grpc") == "Grpc":
        config["grpc_service"] = grpc(server) | {"timeout": timeout}
    else:
        cluster, host = http(server)
        uri = f"http://{host}:{server.rpartition(':')[2]}"
        config["http_service"] = {"server_uri": {"uri": uri, "cluster": cluster, "timeout": timeout}}
    if "headers" in asked:
        config["allowed_headers"] = {"patterns": [{"exact": str(name).lower()} for name in asked["headers"]]}
    return config


def csrf(asked: Mapping[str, Any], leaf: Leaf, gaps: Gaps) -> Native:
    """Fields of a filter about where browsers may come from. In shadow, what would be refused is only counted."""
    looked_at, none = {"default_value": share(asked.get("percent"))}, {"default_value": share(0)}
    shadow = bool(asked.get("shadow"))
    config: Native = {"filter_enabled": none if shadow else looked_at}
    if shadow:
        config["shadow_enabled"] = looked_at
    if origins := [_host_and_port(one, leaf, gaps) for one in asked.get("origins") or ()]:
        config["additional_origins"] = origins
    return config


def _host_and_port(one: Mapping[str, str], leaf: Leaf, gaps: Gaps) -> Native:
    """The proxies compare host and port of an origin, without its scheme."""
    kind = next((kind for kind in ("exact", "prefix") if kind in one), None)
    if kind is None:
        gaps.error("mesh-inexpressible", "the mesh compares origins without their scheme, so not by expressions", leaf)
        return {"exact": ""}
    scheme, found, rest = one[kind].partition("://")
    return {kind: rest if found else scheme}


def cors_origin(origin: Any, match: Callable[[str, str, bool], Native], leaf: Leaf | None, gaps: Gaps) -> Native:
    """A neutral origin; ``match`` gives a string matcher from a kind, a text and whether case does not count."""
    if isinstance(origin, str):
        return {"exact": origin}
    said = [kind for kind in _ORIGINS if kind in origin]
    if len(said) != 1:
        gaps.error("mesh-invalid-value", f"an origin is matched in one way of {', '.join(_ORIGINS)}", leaf)
        return {}
    return match(said[0], str(origin[said[0]]), bool(origin.get("ignoreCase")))
