"""Where the requests of a route go. A route of Consul has one destination, so several are a service of their own that
is nothing but a split: it has no instances, and nobody calls it by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.consul import headers, names
from reconciler.adapters.envelopes import label_name
from reconciler.adapters.forwarding import has_subset
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Route

Native = dict[str, Any]


def sent(route: Route) -> tuple[Backend, ...]:
    """The backends that requests go to; a share of nothing is none."""
    return tuple(backend for backend in route.backends if backend.weight > 0)


def is_split(route: Route) -> bool:
    found = sent(route)
    return len(found) > 1 or any(backend.headers for backend in found)


def owns_name(route: Route, host: HostIntent, intent: MeshIntent) -> bool:
    """Whether the split of a route may have the name of the service itself: a server then splits whatever is sent to
    that, so that it must be the rest, and nobody else may send to the whole service."""
    if route.matches or route.sources:
        return False
    others = intent.sent_to.get((host.service.name, host.service.namespace), ())
    own = [one for one in route.backends if one.service == host.service and not one.subset]
    return len([one for one in others if not one.subset]) == len(own)


def split_name(route: Route, host: HostIntent) -> str:
    """Told apart by the requests that it is for, so that new weights change no name."""
    identity = (host.service.namespace, host.service.name, *(repr(match) for match in route.matches))
    return label_name(f"{host.service.name}-split", identity, ambiguous=True)


def splits(route: Route, host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[Native]:
    """``splits[]``: percents that are 100 in all, as a server wants them."""
    found = sent(route)
    if not found:
        leaf = leaf_at(route.leaves, "traffic.route")
        gaps.error("mesh-invalid-value", "the weights of a route are all 0", leaf)
        return []
    made = [
        {"weight": share}
        | destination(backend, host, intent, gaps, whole=True)
        | headers.operations(backend.headers, gaps)
        for backend, share in zip(found, weights.percents([one.weight for one in found]), strict=True)
    ]
    _check_distinct(made, gaps)
    return made


def destination(backend: Backend, host: HostIntent, intent: MeshIntent, gaps: Gaps, *, whole: bool = False) -> Native:
    """A service and its subset. The host itself is what is meant where no service is named; ``whole``: name it."""
    service = backend.service
    names.check(service, intent, gaps)
    if backend.subset and not has_subset(backend, intent):
        gaps.error("subset-unknown", f"no subset {backend.subset!r} of {service} is defined")
    _check_port(backend, intent, gaps)
    named = {"service": service.name} if whole or service != host.service else {}
    return named | ({"serviceSubset": backend.subset} if backend.subset else {})


def _check_port(backend: Backend, intent: MeshIntent, gaps: Gaps) -> None:
    facts = intent.cluster.service(backend.service.name, backend.service.namespace)
    ports = {port.number for port in facts.ports} if facts else set()
    if backend.port and ports != {backend.port}:
        told = f"a service of the mesh has one port, so port {backend.port} of {backend.service.label} cannot be chosen"
        gaps.error("mesh-inexpressible", told)


def _check_distinct(made: Sequence[Native], gaps: Gaps) -> None:
    """A server takes each destination once."""
    seen = [(one.get("service"), one.get("serviceSubset")) for one in made]
    for service, subset in sorted({one for one in seen if seen.count(one) > 1}, key=str):
        what = f"{service} ({subset})" if subset else service
        gaps.error("mesh-inexpressible", f"the mesh takes each destination of a route once, and {what} is there twice")
