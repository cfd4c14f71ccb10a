"""What is written for a service: its name in the mesh (VirtualService), its routes (VirtualRouter), and VirtualNodes
and Services for what these send to and nothing stands for yet. All of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.adapters.appmesh.accounts import CALLED, ROUTED, in_account, with_memory
from reconciler.adapters.appmesh.kinds import VIRTUAL_ROUTER, VIRTUAL_SERVICE
from reconciler.adapters.appmesh.ports import Port, spoken
from reconciler.adapters.appmesh.routes import routes
from reconciler.adapters.appmesh.targets import Added, Targets, added_node, host_name
from reconciler.adapters.built import Built, built
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.standard import subsets
from reconciler.model.intents import HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject


@dataclass(slots=True)
class _Made:
    """A host with its objects and with what has to be added for them."""

    host: HostIntent
    gaps: Gaps
    objects: list[NativeObject]
    added: tuple[Added, ...] = ()


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all services. One with something that cannot be said has none; what several need, the first one
    brings along."""
    made = [_made(host, intent) for host in intent.hosts]
    wanted: dict[Added, set[Origin]] = {}
    for one in made:
        for added in () if one.gaps.blocking else one.added:
            wanted.setdefault(added, set()).update(one.host.origins)
    for one in made:
        own = () if one.gaps.blocking else one.added
        objects = [
            native
            for added in own
            if (origins := wanted.pop(added, None)) is not None
            for native in _added(added, intent, origins, one.gaps)
        ]
        yield built([*objects, *one.objects], one.gaps, one.host.origins, intent, one.host.service)


def _made(host: HostIntent, intent: MeshIntent) -> _Made:
    gaps = Gaps()
    if all(_is_plain(route, host) for route in host.routes) or not _writable(host, gaps):
        return _Made(host, gaps, [])
    assert host.facts is not None
    ports = list(spoken(host.facts, intent))
    if not _sees_requests(ports, host, gaps):
        return _Made(host, gaps, [])
    targets = Targets(intent, host.service.namespace)
    return _Made(host, gaps, _objects(host, ports, targets, gaps), tuple(targets.added))


def _is_plain(route: Route, host: HostIntent) -> bool:
    """Whether a route does what happens without it."""
    (first, *others) = route.backends
    home = not others and first.service == host.service and not (first.subset or first.port or first.headers)
    return home and not (route.leaves or route.mirrors or route.reject)


def _writable(host: HostIntent, gaps: Gaps) -> bool:
    if host.service.host:
        gaps.error("mesh-inexpressible", f"{host.service.label} is no Service, and routes are written for those")
    elif host.facts is None:
        told = f"the mesh wants the ports of {host.service.label}, and it is not there"
        gaps.error("port-needed", told, hint="its routes are written once the service is there")
    elif in_account(host.facts) and ROUTED not in host.facts.labels:
        told = f"{host.facts.labels[CALLED]} leads to no VirtualRouter that is its alone"
        hint = "by the API policies write the routes of VirtualRouters that are there: make one for it, first"
        gaps.error("mesh-inexpressible", told, hint=hint)
    if host.routes and all(route.reject for route in host.routes):
        asked = gaps.about(origin for route in host.routes for origin in route.askers.match)
        asked.error("mesh-inexpressible", f"a route of {host.service.label} has to take some requests")
    for route in host.routes:
        if route.sources:
            told = "a route of the mesh is for all of its callers"
            gaps.about(route.askers.match).error("mesh-inexpressible", told)
        if route.mirrors:
            gaps.about(route.askers.mirrors).error("mesh-inexpressible", "the mesh cannot mirror requests")
    return not gaps.blocking


def _sees_requests(ports: Iterable[Port], host: HostIntent, gaps: Gaps) -> bool:
    known = list(ports)
    if any(port.is_http for port in known):
        return True
    if any(not port.said for port in known):
        told = f"nobody says that a port of {host.service.label} carries HTTP, and the mesh has to be told"
        gaps.error("http-route-on-tcp", told, hint="name the port http or grpc, or declare its appProtocol")
    else:
        told = f"no port of {host.service} carries HTTP, so its routes have no effect"
        gaps.warning("http-route-on-tcp", told, hint="name the port http or grpc, or declare its appProtocol")
    return False


def _objects(host: HostIntent, ports: list[Port], targets: Targets, gaps: Gaps) -> list[NativeObject]:
    intent, service, facts = targets.intent, host.service, host.facts
    assert facts is not None
    several = len(ports) > 1
    router = {
        "listeners": [{"portMapping": {"port": port.number, "protocol": port.protocol}} for port in ports],
        "routes": routes(host, ports, several, targets, gaps),
    }
    if in_account(facts):
        made = build(intent, VIRTUAL_ROUTER, service.namespace, facts.labels[ROUTED], router, host.origins)
        return [with_memory(made, facts, intent)]
    name = {
        "awsName": host_name(service.name, service.namespace, intent.cluster_domain),
        "provider": {"virtualRouter": {"virtualRouterRef": {"name": service.name}}},
    }
    return [
        build(intent, VIRTUAL_ROUTER, service.namespace, service.name, router, host.origins),
        build(intent, VIRTUAL_SERVICE, service.namespace, service.name, name, host.origins),
    ]


def _added(added: Added, intent: MeshIntent, origins: Iterable[Origin], gaps: Gaps) -> Iterable[NativeObject]:
    """A VirtualNode, and for a subset its Service."""
    asked = tuple(sorted(set(origins)))
    if added.subset:
        hosts = intent.hosts_by_name.get((added.service.name, added.service.namespace), ())
        found = [native for host in hosts for native in subsets.services(host, intent, gaps)]
        name = subsets.name_of(added.service, added.subset, intent)
        yield from (native for native in found if native.key.name == name)
    yield added_node(added, intent, asked)
