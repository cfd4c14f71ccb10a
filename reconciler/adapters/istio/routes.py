"""VirtualService: one for each host that has routes, however many policies touch it. The mesh takes only one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio import headers, resilience
from reconciler.adapters.istio.answers import answer
from reconciler.adapters.istio.connections import tcp_routes
from reconciler.adapters.istio.cors import cors
from reconciler.adapters.istio.entries import name_of
from reconciler.adapters.istio.kinds import VIRTUAL_SERVICE
from reconciler.adapters.istio.matches import match_entries
from reconciler.adapters.istio.objects import build, fqdn
from reconciler.adapters.istio.references import reference
from reconciler.adapters.istio.rewrites import rewrite
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.adapters.protocols import all_opaque
from reconciler.model.canonical import digest
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Route
from reconciler.model.native import NativeObject


def virtual_service(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The VirtualService of a host with what cannot be said in ``gaps``; None when it has no routes."""
    if not host.routes:
        return None
    tcp = tcp_routes(host, intent, gaps)
    spec: dict[str, Any] = {"hosts": [fqdn(host.service, intent)]}
    if not tcp or not (host.facts and all_opaque(host.facts.ports)):
        spec["http"] = http_routes(host.routes, host, intent, gaps)
    spec |= {"tcp": tcp} if tcp else {}
    origins = {origin for route in host.routes for origin in route.origins} or host.origins
    return build(intent, VIRTUAL_SERVICE, host.service.namespace, name_of(host.service), spec, origins)


def http_routes(routes: Sequence[Route], host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[dict[str, Any]]:
    """``http[]`` of a VirtualService; ``host`` is what is called, to know its ports."""
    return [_http(route, host, intent, gaps) for route in routes]


def _http(route: Route, host: HostIntent, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    rule = tree(route.leaves)
    entries = match_entries(route, host.facts, gaps.about(route.askers.match))
    native: dict[str, Any] = {"name": _name(route, entries)}
    if entries:
        native["match"] = entries
    done = headers.operations(section(rule, "headers"), gaps, route.leaves)
    if answered := answer(route, rule, gaps):
        # the request goes nowhere, so only what is done to its answer holds
        native |= answered | cors(route, rule, gaps)
        response = {side: done[side] for side in ("response",) if side in done}
        return native | ({"headers": response} if response else {})
    native |= _forward(route, rule, intent, gaps) | cors(route, rule, gaps) | ({"headers": done} if done else {})
    resilience.interplay(route, native, gaps)
    _check_authority(native, route, gaps)
    return native


def _forward(route: Route, rule: Mapping[str, Any], intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    native: dict[str, Any] = {"route": _destinations(route, intent, gaps.about(route.askers.backends))}
    if route.mirrors:
        native["mirrors"] = [_mirror(mirror, intent, gaps.about(route.askers.mirrors)) for mirror in route.mirrors]
    if rewritten := rewrite(route, rule, gaps):
        native["rewrite"] = rewritten
    return (
        native
        | resilience.timeout(route, rule, gaps)
        | resilience.retries(route, rule, intent, gaps)
        | resilience.fault(route, rule, gaps)
    )


def _destinations(route: Route, intent: MeshIntent, gaps: Gaps) -> list[dict[str, Any]]:
    shares = weights.whole([backend.weight for backend in route.backends])
    if not any(shares):
        gaps.error("mesh-invalid-value", "the weights of a route are all 0")
    return [
        _destination(backend, share if len(shares) > 1 else None, intent, gaps)
        for backend, share in zip(route.backends, shares, strict=True)
    ]


def _destination(backend: Backend, share: int | None, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    native: dict[str, Any] = {"destination": reference(backend, intent, gaps)}
    if share is not None:
        native["weight"] = share
    done = headers.operations(backend.headers, gaps)
    return native | {"headers": done} if done else native


def _mirror(mirror: Backend, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    if mirror.headers:
        gaps.error("mesh-inexpressible", "the mesh cannot change the headers of mirrored requests only")
    return {"destination": reference(mirror, intent, gaps), "percentage": resilience.percentage(mirror.weight)}


def _name(route: Route, entries: Sequence[Mapping[str, Any]]) -> str:
    """Stable while other routes come and go: from the route itself, or from what it matches."""
    if route.name:
        return route.name
    if entries:
        return f"route-{digest(list(entries))[:8]}"
    return "unmatched" if route.reject else "default"


def _check_authority(native: Mapping[str, Any], route: Route, gaps: Gaps) -> None:
    changed = section(section(native, "headers"), "request")
    names = {name.lower() for operation in ("set", "add") for name in section(changed, operation)}
    if "authority" in section(native, "rewrite") and names & {"host", ":authority"}:
        leaf = leaf_at(route.leaves, "traffic.rewrite.host") or leaf_at(route.leaves, "traffic.rewrite")
        gaps.error(
            "mesh-invalid-value", "the host is set by rewrite.host and by a header, and the mesh takes one", leaf
        )
