"""What gateways do with requests before they send them on: limits, origins, external authorization. The filters are
those of the proxies beside workloads, told apart by host and route, since they stand in every listener of a gateway.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.inbound import GLOBAL, filters_of, is_arriving
from reconciler.adapters.istio.objects import object_name
from reconciler.adapters.istio.predicates import Predicate, all_of, carried, host_is, taken
from reconciler.adapters.istio.proxy_patches import GATEWAY, Native, before_router_of_gateways, merged, proxy_filter
from reconciler.adapters.proxy_parts import counted
from reconciler.model.ingress_intents import GatewayIntent, HostTable
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject
from reconciler.model.rules import Leaf

_Told = list[tuple[Predicate, bool]]


def gateway_filter(asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The patches for the pods of a gateway, None where a document needs none."""
    leaves = _leaves(asked)
    if not leaves or asked.gateway is None:
        return None
    _check_alone(asked, intent, leaves, gaps)
    patches = list(_patches(leaves, asked, intent, gaps))
    policy = asked.policy
    identity = (policy.namespace, policy.name, "gateway")
    name = object_name(f"{policy.name}.gateway", identity, ambiguous=policy.namespace != "default")
    origins = {Origin(leaf.policy, leaf.position) for leaf in leaves} | set(asked.own_origins)
    return proxy_filter(intent, (asked.namespace, name), dict(asked.gateway.labels), patches, origins)


def _leaves(asked: GatewayIntent) -> list[Leaf]:
    """Each once, in the order of the routes that they are on first."""
    found: list[Leaf] = []
    for route in (route for table in asked.tables for route in table.routes):
        found += [leaf for leaf in route.leaves if is_arriving(leaf) and leaf not in found]
    return found


def _patches(leaves: list[Leaf], asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> Iterator[Native]:
    label = f"{asked.policy.namespace}.{asked.policy.name}"
    for leaf, stage, native in filters_of(leaves, label, lambda leaf: _when(leaf, asked, intent, gaps), intent, gaps):
        yield before_router_of_gateways(native)
        if leaf.path == GLOBAL:
            yield merged("VIRTUAL_HOST", {"context": GATEWAY}, {"rate_limits": counted(leaf.value, stage)})


def _when(leaf: Leaf, asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> Predicate:
    """Which requests meet a filter: by the host first, the most specific one, and then by the routes of that."""
    own: dict[str, _Told] = {}
    for table in asked.tables:
        if table.listener.carries_http:
            told = _told(table, leaf, gaps)
            if own.setdefault(table.host, told) != told:
                message = f"requests for {table.host} meet {leaf.path} on each listener of the gateway or on none"
                gaps.error("mesh-inexpressible", message, leaf, "write it in `options`, or in the routes of each")
    within = {host for host in _others(asked, intent) if any(_is_within(host, wide) for wide in own)}
    others: dict[str, _Told] = {host: [(host_is(host), False)] for host in within}
    order = sorted({*own, *others}, key=lambda host: (host.startswith("*"), -len(host), host))
    return carried([one for host in order for one in (own.get(host) or others[host])])


def _is_within(host: str, wide: str) -> bool:
    """Whether requests for a host would be taken for those of a pattern of hosts."""
    return wide == "*" or (wide.startswith("*.") and host.removeprefix("*").endswith(wide[1:]))


def _told(table: HostTable, leaf: Leaf, gaps: Gaps) -> _Told:
    """Requests for a host that no route takes are answered by the gateway itself."""
    here = host_is(table.host)
    routes = [(all_of([here, taken(route, (), gaps)]), leaf in route.leaves) for route in table.routes]
    return [*routes, (here, False)]


def _others(asked: GatewayIntent, intent: MeshIntent) -> set[str]:
    return {table.host for one in _beside(asked, intent) for table in one.tables if table.listener.carries_http}


def _beside(asked: GatewayIntent, intent: MeshIntent) -> list[GatewayIntent]:
    """Other documents about the very gateway."""
    return [
        one
        for one in intent.ingress
        if one.policy != asked.policy and one.gateway == asked.gateway and one.namespace == asked.namespace
    ]


def _check_alone(asked: GatewayIntent, intent: MeshIntent, leaves: list[Leaf], gaps: Gaps) -> None:
    """What another document would meet too, since it has the host on another port, or counts at the same gateway."""
    mine = {table.host for table in asked.tables if table.listener.carries_http}
    for host in sorted(mine & _others(asked, intent)):
        told = f"{host} is on several ports of the gateway, by several documents: {leaves[0].path} would hold for all"
        gaps.error("mesh-inexpressible", told, leaves[0], "let one document have the host")
    limit = next((leaf for leaf in leaves if leaf.path == GLOBAL), None)
    for one in _beside(asked, intent) if limit else ():
        if any(leaf.path == GLOBAL for table in one.tables for route in table.routes for leaf in route.leaves):
            told = f"{one.policy} has a global limit at the same gateway, and both would be counted for each"
            gaps.error("mesh-inexpressible", told, limit, "keep one of them")
