"""Where a route sends requests: clusters, by weight, each with changes of its own; and those that get a copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.amounts import UNLIMITED
from reconciler.adapters.envoy.headers import changes
from reconciler.adapters.envoy.ports import Called
from reconciler.adapters.forwarding import has_subset
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.proxy_parts import share
from reconciler.model.intents import Backend, MeshIntent, Route


def destinations(route: Route, called: Called, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """``cluster`` or ``weighted_clusters``."""
    told = gaps.about(route.askers.backends)
    shares = weights.whole([backend.weight for backend in route.backends])
    if not any(shares):
        told.error("mesh-invalid-value", "the weights of a route are all 0")
    if sum(shares) > UNLIMITED:
        told.error("mesh-invalid-value", f"the mesh takes weights of {UNLIMITED} together")
    first = route.backends[0]
    if len(route.backends) == 1 and not first.headers:
        return {"cluster": cluster_of(first, called, intent, told)}
    parts = [
        _part(backend, weight, cluster_of(backend, called, intent, told), told)
        for backend, weight in zip(route.backends, shares, strict=True)
    ]
    return {"weighted_clusters": {"clusters": parts}}


def _part(backend: Backend, weight: int, cluster: str, gaps: Gaps) -> dict[str, Any]:
    done = changes(backend.headers, gaps)
    host = {"host_rewrite_literal": done.host} if done.host else {}
    return {"name": cluster, "weight": weight or (1 if backend.weight else 0), **done.fields, **host}


def cluster_of(backend: Backend, called: Called, intent: MeshIntent, gaps: Gaps) -> str:
    if backend.subset and not has_subset(backend, intent):
        gaps.error("subset-unknown", f"no subset {backend.subset!r} of {backend.service} is defined")
    return names.upstream(backend.service, _port(backend, called, intent, gaps), backend.subset)


def _port(backend: Backend, called: Called, intent: MeshIntent, gaps: Gaps) -> int:
    """The port that is named, else the one that was called, else the only one that there is."""
    facts = intent.cluster.service(backend.service.name, backend.service.namespace)
    wanted = backend.port or called.port.number
    numbers = [port.number for port in facts.ports] if facts else [wanted]
    if wanted in numbers:
        return wanted
    if backend.port or len(numbers) != 1:
        gaps.error("port-needed", f"{backend.service.label} has no port {wanted}", None, "name one of its ports")
        return wanted
    return numbers[0]


def mirrors(route: Route, called: Called, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """``request_mirror_policies``: the request as it is, its authority too."""
    found = list(_mirrors(route, called, intent, gaps.about(route.askers.mirrors)))
    return {"request_mirror_policies": found} if found else {}


def _mirrors(route: Route, called: Called, intent: MeshIntent, gaps: Gaps) -> Iterator[dict[str, Any]]:
    for mirror in route.mirrors:
        if mirror.headers:
            gaps.error("mesh-inexpressible", "the mesh cannot change the headers of mirrored requests only")
        yield {
            "cluster": cluster_of(mirror, called, intent, gaps),
            "runtime_fraction": {"default_value": share(mirror.weight)},
            "disable_shadow_host_suffix_append": True,
        }
