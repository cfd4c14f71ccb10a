"""Who may call (TrafficTarget), with which requests (HTTPRouteGroup) or on which ports (TCPRoute).

A TrafficTarget is about a service account: it opens every workload that runs under it, so that it is written only where
those are the workloads of the service. Targets add up, nothing can be denied, and what no target names is refused where
the mesh is closed. Expressions are anchored: not every product matches a whole path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.envelopes import object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.policy_names import groups, policy_name
from reconciler.adapters.smi.callers import sources, workloads
from reconciler.adapters.smi.kinds import HTTP_ROUTE_GROUP, TCP_ROUTE, TRAFFIC_TARGET
from reconciler.adapters.smi.modes import check_closed
from reconciler.adapters.smi.overlaps import tell_overlaps
from reconciler.adapters.smi.ports import Asked, in_reach, known_ports, meant
from reconciler.adapters.smi.products import NGINX, OSM, build, product_of, version_of
from reconciler.adapters.smi.requests import http_matches
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.native import NativeKind, NativeObject

Native = dict[str, Any]
#: the version of a TCPRoute that says them
_WITH_PORTS = "v1alpha4"


def emit(intent: MeshIntent) -> Iterable[Built]:
    every = groups(intent)
    for at, group in enumerate(every):
        gaps = Gaps()
        if product_of(intent) == OSM:
            later = (one for one in every[at + 1 :] if one[0].service == group[0].service)
            tell_overlaps(group, later, intent, gaps)
        origins = [origin for access in group for origin in access.origins]
        yield built(_objects(group, intent, gaps), gaps, origins, intent, group[0].service)


def _objects(group: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    first = group[0]
    if first.action is not AccessAction.ALLOW or first.jwt is not None:
        gaps.error("mesh-inexpressible", "SMI allows by service accounts, and nothing else")
        return []
    check_closed(intent, gaps)
    callers = sources((one for access in group for one in access.identities or ()), intent, gaps)
    if any(access.identities is None for access in group):
        gaps.error("mesh-inexpressible", "SMI knows callers by their service accounts: everyone cannot be named")
    if not callers:
        gaps.warning("nothing-matches", f"{first.policy} allows nothing on {first.service}")
        return []
    several = in_reach(group, gaps)
    if not several:
        return []
    name = policy_name(first)
    rules = _Rules(several, name, intent, gaps)
    accounts = workloads(first, intent, gaps)
    targets = [
        rules.build(TRAFFIC_TARGET, _named(name, account, accounts), _target(account, first, callers, rules.references))
        for account in accounts
    ]
    return [*rules.objects, *targets]


def _named(name: str, account: str, accounts: Sequence[str]) -> str:
    return name if len(accounts) == 1 else object_name(f"{name}.{account}", (name, account))


def _target(account: str, access: AccessIntent, callers: list[Native], rules: list[Native]) -> Native:
    destination = {"kind": "ServiceAccount", "name": account, "namespace": access.service.namespace}
    return {"destination": destination, "sources": callers, "rules": rules}


class _Rules:
    """What a target refers to: all requests and connections, or those of the matches."""

    def __init__(self, several: Sequence[Asked], name: str, intent: MeshIntent, gaps: Gaps) -> None:
        self.several, self.name, self.intent = several, name, intent
        self.service = several[0][0].service
        self.objects: list[NativeObject] = []
        self.references: list[Native] = []
        asked = [found for _, match in several for found in http_matches(match, gaps)]
        if any(one.get("headers") for one in asked) and product_of(intent) == NGINX:
            gaps.error("mesh-inexpressible", "the product is not known to take headers as SMI has them")
        if product_of(intent) == OSM and version_of(TCP_ROUTE, intent) == _WITH_PORTS:
            self._by_port(asked, gaps)
            return
        if any(access.ports or match.ports for access, match in several):
            gaps.error("mesh-inexpressible", "SMI cannot tell the ports of a service's requests apart")
        self._requests(asked)
        if not any(asked):
            self._connections(sorted({port for port, _ in known_ports(self.service, intent)}))

    def _by_port(self, asked: list[Native], gaps: Gaps) -> None:
        """The product lets callers in by ports, then requests by their conditions, whatever port they come to."""
        found = meant(self.several, any(asked), self.intent, gaps)
        if found.requests:
            self._requests(asked)
        self._connections(found.ports)

    def _requests(self, asked: list[Native]) -> None:
        several = [{"pathRegex": ".*", "methods": ["*"]}] if not all(asked) else asked
        named = [{"name": f"match-{number}", **one} for number, one in enumerate(several, 1)]
        self._add(HTTP_ROUTE_GROUP, {"matches": named}, [str(one["name"]) for one in named])

    def _connections(self, ports: list[int]) -> None:
        """A route of connections, in versions that have its ports by those."""
        if ports and version_of(TCP_ROUTE, self.intent) == _WITH_PORTS:
            self._add(TCP_ROUTE, {"matches": {"ports": ports}}, [])

    def _add(self, kind: NativeKind, spec: Native, named: list[str]) -> None:
        self.objects.append(self.build(kind, self.name, spec))
        reference: Native = {"kind": kind.kind.kind, "name": self.name}
        self.references.append(reference | ({"matches": named} if named else {}))

    def build(self, kind: NativeKind, name: str, spec: Native) -> NativeObject:
        origins = {origin for access, _ in self.several for origin in access.origins}
        return build(self.intent, kind, self.service.namespace, name, spec, origins)
