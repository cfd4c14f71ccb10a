"""HTTPLocalRateLimitPolicy: how many requests a second each proxy of a Server takes, in all or of each caller."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.linkerd.groups import Port
from reconciler.adapters.linkerd.kinds import POLICY, RATE_LIMIT
from reconciler.adapters.protocols import Speech
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.rules import Leaf

_PATH = "traffic.rateLimit.local"
_SECONDS = {"Second": 1, "Minute": 60, "Hour": 3600, "Day": 86400}
_WHOM = {"Route": "total", "Source": "identity"}


def objects(port: Port, intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    said: dict[str, dict[str, int]] = {}
    for host in port.group.hosts:
        for name, limit in _of_host(host, port, gaps):
            if said.setdefault(name, limit) != limit:
                told = f"{host.service.label} and another service have the same workloads, and other limits"
                gaps.error("mesh-inexpressible", told)
    if said:
        target = {"group": POLICY, "kind": "Server", "name": port.name}
        name = object_name(port.name, (port.group.namespace, port.name))
        spec = {"targetRef": target, **dict(sorted(said.items()))}
        origins = {origin for host in port.group.hosts for route in host.inbound for origin in route.origins}
        yield build(intent, RATE_LIMIT, port.group.namespace, name, spec, origins)


def _of_host(host: HostIntent, port: Port, gaps: Gaps) -> Iterable[tuple[str, dict[str, int]]]:
    for route in host.inbound:
        leaf = leaf_at(route.leaves, _PATH)
        for other in route.leaves:
            if other is not leaf:
                gaps.error("mesh-inexpressible", f"the mesh cannot do {other.path} where requests arrive", other)
        if leaf is None or port.speech is Speech.OPAQUE:
            continue
        if route.matches or route.sources:
            told = "the mesh counts all requests to a port together"
            gaps.about(route.askers.match).error("mesh-inexpressible", told)
        yield _limit(leaf, gaps)


def _limit(leaf: Leaf, gaps: Gaps) -> tuple[str, dict[str, int]]:
    asked: dict[str, Any] = dict(leaf.value)
    each = Fraction(int(asked["requests"]), _SECONDS[str(asked["unit"])])
    if each.denominator != 1 or each < 1:
        told = f"the mesh counts whole requests a second, and {asked['requests']} a {asked['unit']} are none"
        gaps.error("mesh-inexpressible", told, leaf)
    whom = str(asked.get("per", "Route"))
    if whom not in _WHOM or "header" in asked:
        gaps.error("mesh-inexpressible", "the mesh counts all requests together, or by the identity of callers", leaf)
    if "burst" in asked:
        gaps.error("mesh-inexpressible", "the mesh takes no more at once than in a second", leaf)
    return _WHOM.get(whom, "total"), {"requestsPerSecond": int(each)}
