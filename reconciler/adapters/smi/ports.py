"""Which ports of its workloads a rule is about, for Open Service Mesh: it lets callers in by ports, and requests by
their conditions on whatever port that carries requests. So a target without ports opens those of connections, too, and
the ports of requests are all meant or none.

Source: openservicemesh/osm, pkg/envoy/lds/rbac.go (ports of the TCPRoutes of a target, any where there are none),
pkg/envoy/rds/route/rbac.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.protocols import Speech, speech, workload_ports
from reconciler.model.facts import PortFacts
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.refs import ServiceRef
from reconciler.model.selectors import Match

#: a policy, and one of its matches
Asked = tuple[AccessIntent, Match]


@dataclass(frozen=True, slots=True)
class Meant:
    """``requests``: whether any of the ports carries them."""

    ports: list[int]
    requests: bool


def known_ports(service: ServiceRef, intent: MeshIntent) -> list[tuple[int, bool]]:
    """The ports of the workloads behind a service, and whether they carry connections only."""
    facts = intent.cluster.service(service.name, service.namespace)
    return [
        (number, _is_tcp(port))
        for port in (facts.ports if facts else ())
        if facts and speech(port) is not Speech.UDP
        for number in workload_ports(port, facts, intent.cluster)
    ]


def in_reach(group: Sequence[AccessIntent], gaps: Gaps) -> list[Asked]:
    """What policies about one service ask for, without a match that names none of the ports of its target."""
    found = [(access, match) for access in group for match in access.matches or (Match(),)]
    for access, match in found:
        if _asked(access, match) is None:
            gaps.warning("nothing-matches", f"a match of {access.policy} names none of the ports of its target")
    return [one for one in found if _asked(*one) is not None]


def meant(several: Sequence[Asked], narrow: bool, intent: MeshIntent, gaps: Gaps) -> Meant:
    """The ports that policies mean on a service. ``narrow``: only requests with some conditions are meant."""
    service = several[0][0].service
    known = dict(known_ports(service, intent))
    http, tcp = {port for port, only in known.items() if not only}, {port for port, only in known.items() if only}
    asked = {_asked(*one) or frozenset() for one in several}
    if narrow and tcp and not http:
        told = f"no port of {service} carries requests, so none can be told from another"
        gaps.error("http-rule-on-tcp", told)
    if not any(asked):
        return Meant(sorted(http if narrow else {*http, *tcp}), bool(http) or narrow or not known)
    ports = {port for one in asked for port in one}
    if len(asked) > 1 or ports - known.keys() or (ports & http and http - ports) or (narrow and ports & tcp):
        told = "the mesh tells ports of connections apart, and not those of requests with their conditions"
        gaps.error("mesh-inexpressible", told, hint="the name of a port, or its appProtocol, begins with tcp there")
    return Meant(sorted(ports), bool(ports & http))


def _asked(access: AccessIntent, match: Match) -> frozenset[int] | None:
    """Its own within those of its policy, which are numbers by now; empty for all. None where both share none."""
    own, target = frozenset(port for port in match.ports if isinstance(port, int)), frozenset(access.ports)
    return (own & target or None) if own and target else own or target


def _is_tcp(port: PortFacts) -> bool:
    """What is not said to be is taken for HTTP."""
    return (port.app_protocol or port.name).lower().startswith("tcp")
