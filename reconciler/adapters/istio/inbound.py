"""What the proxies beside a service's workloads do with requests that arrive: limits, origins, external authorization.

Filters come in one order after the mesh's own, so that who may not call at all is neither counted nor asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.entries import name_of
from reconciler.adapters.istio.guards import csrf, external_authorization
from reconciler.adapters.istio.limits import global_limit, local_limit
from reconciler.adapters.istio.predicates import Predicate, carried, guarded, taken
from reconciler.adapters.istio.proxy_patches import INBOUND, Native, before_router, merged, proxy_filter
from reconciler.adapters.protocols import Speech, speech, workload_ports
from reconciler.adapters.proxy_parts import counted
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import HostIntent, MeshIntent, Origin
from reconciler.model.native import NativeObject
from reconciler.model.rules import Leaf

LOCAL, GLOBAL = "traffic.rateLimit.local", "traffic.rateLimit.global"
#: in the order in which requests pass them: the cheap ones first, and the limits before a server is asked
_ORDER = {"traffic.csrf": "csrf", LOCAL: "local-limit", GLOBAL: "global-limit", "traffic.extAuth": "ext-auth"}
_STAGES = range(1, 11)  # that the proxies have; 0 is where others put theirs


def inbound_filter(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The patches for the workloads of a host, None where it needs none."""
    leaves = _leaves(host)
    if not leaves:
        return None
    facts = host.facts
    if facts is None or not facts.selector:
        _asked(leaves, gaps).error("mesh-inexpressible", f"no workloads are known behind {host.service.label}")
        return None
    for route in host.inbound:
        if route.sources:
            message = "where requests arrive, callers cannot be told by their workloads"
            gaps.about(route.askers.match).error("mesh-inexpressible", message)
    _check_alone(host, facts.selector, intent, gaps)
    ports = _ports(facts, intent, _asked(leaves, gaps))
    patches = [
        patch for port in sorted(ports) for patch in _port_patches(port, ports[port], leaves, host, intent, gaps)
    ]
    origins = {Origin(leaf.policy, leaf.position) for leaf in leaves}
    place = (host.service.namespace, f"{name_of(host.service)}-inbound")
    return proxy_filter(intent, place, facts.selector, patches, origins) if patches else None


def _leaves(host: HostIntent) -> list[Leaf]:
    """Each once, in the order of the filters, then of the routes that they are on first."""
    found: list[Leaf] = []
    for path in _ORDER:
        for route in host.inbound:
            found += [leaf for leaf in route.leaves if leaf.path == path and leaf not in found]
    return found


def _asked(leaves: Iterable[Leaf], gaps: Gaps) -> Gaps:
    """Gaps about what every one of these leaves needs."""
    return gaps.about({Origin(leaf.policy, leaf.position) for leaf in leaves})


def _ports(facts: ServiceFacts, intent: MeshIntent, gaps: Gaps) -> Mapping[int, Collection[int]]:
    """The ports of the workloads that take requests, each with the ports of the service that lead there."""
    found: dict[int, set[int]] = {}
    spoken = [port for port in facts.ports if speech(port) in (Speech.HTTP, Speech.UNDECLARED)]
    for port in spoken:
        numbers = workload_ports(port, facts, intent.cluster)
        if not numbers:
            gaps.error("mesh-inexpressible", f"no known workload of {facts.ref.label} has the port {port.target}")
        for number in numbers:
            found.setdefault(number, set()).add(port.number)
    if not spoken:
        gaps.error("mesh-inexpressible", f"no port of {facts.ref.label} is known to carry HTTP")
    return found


def _port_patches(
    port: int, numbers: Collection[int], leaves: list[Leaf], host: HostIntent, intent: MeshIntent, gaps: Gaps
) -> Iterator[Native]:
    def when(leaf: Leaf) -> Predicate:
        return carried(
            [(taken(route, numbers, gaps.about(route.askers.match)), leaf in route.leaves) for route in host.inbound]
        )

    for leaf, stage, native in filters_of(leaves, host.service.label, when, intent, gaps):
        yield before_router(port, native)
        if leaf.path == GLOBAL:
            match = {"context": INBOUND, "routeConfiguration": {"portNumber": port}}
            yield merged("VIRTUAL_HOST", match, {"rate_limits": counted(leaf.value, stage)})


def is_arriving(leaf: Leaf) -> bool:
    """Whether a leaf is a filter of the proxy that requests come to."""
    return leaf.path in _ORDER


def filters_of(
    leaves: Iterable[Leaf], label: str, when: Callable[[Leaf], Predicate], intent: MeshIntent, gaps: Gaps
) -> Iterator[tuple[Leaf, int, Native]]:
    """The filters in their order, each with its stage, ``when`` it is to be asked; ``label`` is a part of its name."""
    stages = iter(_STAGES)
    for leaf in sorted(leaves, key=lambda leaf: list(_ORDER).index(leaf.path)):
        asked = when(leaf)
        if asked is False:
            continue
        stage = next(stages, 0) if leaf.path == GLOBAL else 0
        if leaf.path == GLOBAL and not stage:
            gaps.error("mesh-inexpressible", f"the mesh takes at most {len(_STAGES)} global limits of a service", leaf)
        name = f"{_ORDER[leaf.path]}.{label}.{leaf.policy.namespace}.{leaf.policy.name}"
        yield leaf, stage, guarded(name, _config(leaf, stage, intent, gaps), asked)


def _config(leaf: Leaf, stage: int, intent: MeshIntent, gaps: Gaps) -> Native:
    asked: Mapping[str, Any] = leaf.value
    match leaf.path:
        case "traffic.csrf":
            return csrf(asked, leaf, gaps)
        case "traffic.extAuth":
            return external_authorization(asked, leaf, intent, gaps)
        case "traffic.rateLimit.local":
            return local_limit(asked, leaf, gaps)
        case _:
            return global_limit(asked, stage, leaf, intent, gaps)


def _check_alone(host: HostIntent, selector: Mapping[str, str], intent: MeshIntent, gaps: Gaps) -> None:
    """Global limits of two services with the same workloads would be counted for both."""
    mine = next((leaf for leaf in _leaves(host) if leaf.path == GLOBAL), None)
    for other in intent.hosts if mine else ():
        same = other.facts is not None and dict(other.facts.selector) == dict(selector)
        near = other.service != host.service and other.service.namespace == host.service.namespace
        if same and near and any(leaf.path == GLOBAL for leaf in _leaves(other)):
            told = (
                f"{host.service.label} and {other.service.label} are the same workloads, and both have a global limit"
            )
            gaps.error("mesh-inexpressible", told, mine, "set it for one of them")
