"""What is written for a service: the routes to it, what holds on the way, and a Service for each subset that routes
send to. All of it or nothing, since a route to a service that is not there answers 500."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.adapters.built import Built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma import connections, resilience, routes
from reconciler.adapters.kuma.arriving import arriving_policies
from reconciler.adapters.kuma.balancing import balancing
from reconciler.adapters.kuma.breakers import circuit_breaker
from reconciler.adapters.kuma.finished import check_namespace, finished
from reconciler.adapters.kuma.health_checks import health_check
from reconciler.adapters.kuma.places import scopes
from reconciler.adapters.standard import subsets
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject

_LIMIT = (3, 0)


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all services. One with something that cannot be said has none."""
    for host in intent.hosts:
        gaps = Gaps()
        yield finished(objects_of(host, intent, gaps), gaps, host.origins, intent, host.service)


def objects_of(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    """The objects of one service, with what cannot be said or will not do what was asked in ``gaps``."""
    if not _known(host, intent, gaps):
        return []
    _check_callers(host, intent, gaps)
    asked = resilience.plan(host)
    made = list(subsets.services(host, intent, gaps))
    if not all(routes.is_plain(route, host) for route in host.routes):
        made += routes.objects(host, asked.apart, intent, gaps)
    made += connections.objects(host, intent, gaps)
    made += resilience.objects(asked, host, intent, gaps)
    whole = (circuit_breaker(host, intent, gaps), balancing(host, intent, gaps), health_check(host, intent, gaps))
    made += [one for one in whole if one is not None]
    return [*made, *arriving_policies(host, intent, gaps)]


def _check_callers(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> None:
    """What is said to callers of another namespace lies there."""
    for route in host.routes:
        for scope in scopes(route):
            if scope.namespace not in ("", host.service.namespace):
                check_namespace(scope.namespace, intent, gaps.about(route.askers.match))


def _known(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> bool:
    """Whether the control plane knows the service under its name."""
    label, mode = host.service.label, intent.mesh.settings.get("meshServices", "Exclusive")
    if host.service.host:
        gaps.error(
            "mesh-inexpressible",
            f"{label}, outside of the mesh, is let through as it is: nothing is done with its requests",
        )
    elif host.facts is None:
        told = f"the mesh wants the ports of {label} in what is said of it, and it is not there"
        gaps.error("port-needed", told, hint="it is written once the service is there")
    elif host.facts.headless:
        gaps.error("mesh-inexpressible", f"{label} is headless: the mesh knows each of its pods, but not the service")
    if mode != "Exclusive":
        told = f"services of the mesh are no objects (meshServices.mode is {mode}), so that no policy can be about one"
        gaps.error("mesh-inexpressible", told, hint="set meshServices.mode of the Mesh to Exclusive")
    if tuple(int(part) for part in re.findall(r"\d+", intent.mesh.version)[:2]) >= _LIMIT:
        told = "from version 3.0 on the mesh knows services by labels, which this adapter does not carry yet"
        gaps.error("mesh-inexpressible", told)
    return not gaps.blocking
