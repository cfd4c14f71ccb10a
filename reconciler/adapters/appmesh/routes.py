"""``VirtualRouter.spec.routes[]`` of a host: our order is said by priorities, the lowest number first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.adapters.appmesh.matches import matches
from reconciler.adapters.appmesh.ports import HTTP2, Port
from reconciler.adapters.appmesh.resilience import retries, timeout
from reconciler.adapters.appmesh.targets import Targets
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import tree
from reconciler.model.canonical import digest, encode
from reconciler.model.intents import HostIntent, Route
from reconciler.model.selectors import Match

#: the highest number that a priority may have (the definition of VirtualRouter)
LAST = 1000
Native = dict[str, Any]


def routes(host: HostIntent, ports: Iterable[Port], several: bool, targets: Targets, gaps: Gaps) -> list[Native]:
    """The routes of all ports; ``several``: whether each has to name its port."""
    found: list[Native] = []
    for port in ports:
        found += _requests(host, port, several, targets, gaps) if port.is_http else [_all(host, port, targets, gaps)]
    if len(found) > LAST + 1:
        gaps.error("mesh-inexpressible", f"the mesh keeps the order of at most {LAST + 1} routes of a service")
    return [route | {"priority": number} for number, route in enumerate(found[: LAST + 1])]


def _requests(host: HostIntent, port: Port, several: bool, targets: Targets, gaps: Gaps) -> Iterator[Native]:
    """Of equal matches the first one counts."""
    taken: set[str] = set()
    for route in host.routes:
        asked = _on(port, route)
        if route.reject or asked is None:
            continue
        rule = tree(route.leaves)
        done = timeout(route, rule, gaps) | retries(route, rule, gaps)
        action = {"weightedTargets": targets.of(route, port, gaps)}
        for match in matches(asked, gaps.about(route.askers.match)):
            told = match | ({"port": port.number} if several else {})
            if (text := encode(told)) not in taken:
                taken.add(text)
                kind = "http2Route" if port.protocol == HTTP2 else "httpRoute"
                yield {"name": _name(port, told), kind: {"match": told, "action": action, **done}}


def _all(host: HostIntent, port: Port, targets: Targets, gaps: Gaps) -> Native:
    """What is no HTTP goes where it did: a port that the mesh is not told of could not be reached any more."""
    action = {"weightedTargets": [targets.home(host.service, port, gaps)]}
    return {"name": f"port-{port.number}", "tcpRoute": {"match": {"port": port.number}, "action": action}}


def _name(port: Port, match: Native) -> str:
    """By what it is about, so that a route that comes before others renames none of them."""
    return f"port-{port.number}-{digest(match)[:10]}"


def _on(port: Port, route: Route) -> tuple[Match, ...] | None:
    """The matches of a route for a port, their condition on it met; None where it is not for this port."""
    if not route.matches:
        return ()
    kept = [match for match in route.matches if not match.ports or {port.number, port.name} & set(match.ports)]
    return tuple(kept) or None
