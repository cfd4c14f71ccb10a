"""VirtualService."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from reconciler.adapters.durations import seconds
from tests.adapters.webhook.shared import (
    LABEL,
    Body,
    exported,
    expression,
    gateways,
    hostname,
    percent,
    within,
)

HEADER = re.compile(r"[-_A-Za-z0-9]+")
RETRY_ON = frozenset(
    {
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "envoy-ratelimited",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    }
)
GRPC = frozenset(
    {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    }
)
METHODS = frozenset(
    {
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "CONNECT",
        "OPTIONS",
        "TRACE",
    }
)


def virtual_service(spec: Body, meta: Body) -> Iterator[str]:
    hosts, gateways = spec.get("hosts", []), spec.get("gateways", [])
    if not hosts and (gateways or spec.get("tls") or spec.get("tcp")):
        yield "a delegate has gateways, tls or tcp"
    if "*" in hosts and (not gateways or "mesh" in gateways):
        yield "the host * is bound to the mesh"
    yield from (
        f"hosts {one} and {other} overlap" for one in hosts for other in hosts if one != other and within(other, one)
    )
    if not any(spec.get(name) for name in ("http", "tls", "tcp")):
        yield "neither http nor tls nor tcp"
    for route in spec.get("http", ()):
        yield from _http(route, delegate=not hosts, gateway=bool(gateways) and "mesh" not in gateways)
    yield from _unreachable(spec.get("http", ()))
    for route in spec.get("tls", ()):
        names = [name for match in route.get("match", [{}]) for name in match.get("sniHosts", [""])]
        yield from (f"SNI {name} is of no host" for name in names if not any(within(name, host) for host in hosts))
    for route in (*spec.get("tls", ()), *spec.get("tcp", ())):
        yield from _weights(route.get("route", ()), needed=True)
    yield from exported(spec, meta)


def _http(route: Body, delegate: bool, gateway: bool) -> Iterator[str]:
    ends = [name for name in ("redirect", "directResponse") if name in route]
    if "delegate" in route:
        yield from (f"a root route has {name}" for name in ("redirect", "route", "directResponse") if name in route)
        if delegate:
            yield "a delegate delegates"
    elif ends:
        yield from (f"{ends} and {name}" for name in ("route", "fault", "rewrite") if name in route)
        if len(ends) > 1:
            yield "redirect and directResponse"
    elif not route.get("route"):
        yield "no route, redirect or response"
    for match in route.get("match", ()):
        yield from _match(match, simple=delegate or "delegate" in route, gateway=gateway)
    yield from headers(route.get("headers", {}))
    yield from _authority(route)
    yield from _cors(route.get("corsPolicy", {}))
    yield from _fault(route.get("fault"))
    yield from _retries(route.get("retries"))
    yield from _redirect(route)
    yield from _weights(route.get("route", ()))
    for mirror in route.get("mirrors", ()):
        yield from _destination(mirror.get("destination", {}))
        yield from percent(mirror.get("percentage", {}).get("value", 0), least=0)


def _match(match: Body, simple: bool, gateway: bool) -> Iterator[str]:
    texts = [match[name] for name in ("uri", "scheme", "method", "authority") if name in match]
    named = {**match.get("headers", {}), **match.get("withoutHeaders", {})}
    texts += [*named.values(), *match.get("queryParams", {}).values()]
    for text in texts:
        if "regex" in text:
            yield from ["a regex in a delegation"] if simple else expression(text["regex"])
        if text.get("prefix") == "":
            yield "an empty prefix"
    for name in named:
        claim = name.startswith("@request.auth.claims")
        if claim and not gateway:
            yield f"{name} is for gateways only"
        if not claim and not HEADER.fullmatch(name):
            yield f"{name} is no header name"
    yield from gateways(match.get("gateways", ()))


def headers(headers: Body) -> Iterator[str]:
    for side in ("request", "response"):
        said = headers.get(side, {})
        for name, value in [*said.get("set", {}).items(), *said.get("add", {}).items()]:
            yield from _header(name, authority=side == "request")
            if re.search("[\x00-\x08\x0a-\x1f\x7f]", value) or value.replace("%%", "").count("%") % 2:
                yield f"the value of {name} is not valid"
        for name in said.get("remove", ()):
            yield from _header(name, authority=False)


def _header(name: str, authority: bool) -> Iterator[str]:
    whose = name.lower() in (":authority", "host")
    if not name or ((name.startswith(":") or whose) and not (authority and whose)):
        yield f"the header {name!r} cannot be set"


def _authority(route: Body) -> Iterator[str]:
    request = route.get("headers", {}).get("request", {})
    said = [name for part in ("set", "add") for name in request.get(part, {}) if name.lower() in (":authority", "host")]
    if len(said) + ("authority" in route.get("rewrite", {})) > 1:
        yield "the authority is set twice"


def _cors(cors: Body) -> Iterator[str]:
    for origin in cors.get("allowOrigins", ()):
        yield from expression(origin["regex"]) if "regex" in origin else []
        yield from [] if any(origin.values()) else ["an empty origin"]
    yield from (f"no method {method}" for method in cors.get("allowMethods", ()) if method not in METHODS)
    names = [*cors.get("allowHeaders", ()), *cors.get("exposeHeaders", ())]
    yield from (f"{name} is no header name" for name in names if name != "*" and not HEADER.fullmatch(name))
    if (age := seconds(cors.get("maxAge", "1s"))) is None or age.denominator != 1:
        yield "maxAge is in whole seconds"


def _fault(fault: Body | None) -> Iterator[str]:
    if fault is None:
        return
    abort, delay = fault.get("abort", {}), fault.get("delay", {})
    if not abort and not delay:
        yield "a fault without abort and delay"
    for part in (abort, delay):
        yield from percent(part.get("percentage", {}).get("value", 0))
    if abort and "httpStatus" not in abort and "grpcStatus" not in abort:
        yield "an abort without a status"
    if not 200 <= abort.get("httpStatus", 200) <= 600 or abort.get("grpcStatus", "OK") not in GRPC:
        yield "a status that is none"


def _retries(retries: Body | None) -> Iterator[str]:
    if retries is None:
        return
    if not retries.get("attempts") and {"perTryTimeout", "retryOn", "retryRemoteLocalities"} & set(retries):
        yield "retries without attempts"
    for word in retries.get("retryOn", "").split(","):
        if word and word not in RETRY_ON and not (word.isdigit() and 100 <= int(word) < 600):
            yield f"no retries on {word}"


def _redirect(route: Body) -> Iterator[str]:
    redirect, rewrite = route.get("redirect"), route.get("rewrite")
    if redirect is not None:
        if not any(redirect.get(name) for name in ("uri", "authority", "scheme", "port", "derivePort")):
            yield "a redirect to the same place"
        if not 300 <= redirect.get("redirectCode", 301) <= 399 or redirect.get("scheme", "http") not in (
            "http",
            "https",
        ):
            yield "a code or scheme that no redirect has"
    if rewrite is not None:
        if not any(rewrite.get(name) for name in ("uri", "uriRegexRewrite", "authority")):
            yield "an empty rewrite"
        if rewrite.get("uri") and rewrite.get("uriRegexRewrite"):
            yield "two rewrites of the path"
        if regex := rewrite.get("uriRegexRewrite"):
            yield from expression(regex.get("match", "")) if regex.get("rewrite") else ["a rewrite to nothing"]
    if not 200 <= route.get("directResponse", {}).get("status", 200) <= 600:
        yield "a status that is none"


def _weights(routes: Iterable[Body], needed: bool = False) -> Iterator[str]:
    routes = list(routes)
    for route in routes:
        yield from headers(route.get("headers", {}))
        yield from _destination(route.get("destination", {}))
    if (needed and not routes) or (len(routes) > 1 and not sum(route.get("weight", 0) for route in routes)):
        yield "no destination has a weight"
    yield from (f"weight {route['weight']}" for route in routes if route.get("weight", 0) < 0)


def _destination(destination: Body) -> Iterator[str]:
    yield from hostname(destination.get("host", ""), wildcard=True)
    if "subset" in destination and not LABEL.fullmatch(destination["subset"]):
        yield f"{destination['subset']} is no name of a subset"


def _unreachable(routes: Iterable[Body]) -> Iterator[str]:
    seen: set[str] = set()
    everything = False
    for route in routes:
        matches = [json.dumps({**match, "name": ""}, sort_keys=True) for match in route.get("match", ())]
        if (not matches and everything) or (matches and seen.issuperset(matches)):
            yield f"the route {route.get('name', '')} is never reached"
        everything = everything or not matches
        seen |= set(matches)
