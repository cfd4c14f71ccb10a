"""What is legal but will not do what was asked, beyond what building the objects already finds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.issuers import warn_unverified
from reconciler.adapters.istio import authorizers
from reconciler.adapters.istio.ambient_advice import check_one_way, tell_callers, tell_mode
from reconciler.adapters.istio.capabilities import claim
from reconciler.adapters.istio.connections import unrouted
from reconciler.adapters.istio.objects import root_namespace
from reconciler.adapters.istio.outside import tell_outside
from reconciler.adapters.istio.profiles import SIDECAR, profile_of
from reconciler.adapters.istio.waypoint_access import tell_around
from reconciler.adapters.protocols import Speech, all_opaque, speech
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, HostIntent, MeshIntent, MtlsIntent, Route
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match


def advise_host(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> None:
    leaves = [*host.host_leaves, *(leaf for route in host.routes for leaf in route.leaves)]
    for leaf in leaves:
        _too_new(leaf.path, leaf, intent, gaps)
    if any(route.leaves for route in host.inbound):
        tell_outside(host.service, intent, gaps)
    check_one_way(host.service, intent, gaps)
    tell_callers(host, intent, gaps)
    for route in host.routes:
        if route.reject:
            _too_new("traffic.unmatched", None, intent, gaps.about(route.askers.match))
        if route.mirrors:
            _too_new("traffic.mirror", None, intent, gaps.about(route.askers.mirrors))
    if host.facts and all_opaque(host.facts.ports) and any(_is_http(route) for route in host.routes):
        gaps.warning(
            "http-route-on-tcp",
            f"no port of {host.service} carries HTTP, so its routes have no effect",
            hint="name the port http or grpc, or declare its appProtocol",
        )
        return
    opaque = {port.number for port in host.facts.ports if speech(port) is Speech.OPAQUE} if host.facts else set()
    asked = [route for route in host.routes if _of_requests(route) and _all_opaque(route, opaque)]
    for number in sorted({port for route in asked for port in _numbered(route)}):
        told = f"port {number} of {host.service.label} carries no HTTP, so routes for it have no effect"
        gaps.warning("http-route-on-tcp", told, hint="name the port http or grpc, or declare its appProtocol")
    for number in unrouted(host, intent):
        told = f"no requests are seen on port {number} of {host.service.label}: what is sent there goes where it did"
        gaps.warning("http-route-on-tcp", told, hint="name the ports that are meant in the policy")


def _all_opaque(route: Route, opaque: set[int]) -> bool:
    """Whether a route is for ports in which no request can be seen, and for no other."""
    return bool(route.matches) and all(match.ports and set(match.ports) <= opaque for match in route.matches)


def _numbered(route: Route) -> set[int]:
    return {port for match in route.matches for port in match.ports if isinstance(port, int)}


def _is_http(route: Route) -> bool:
    return bool(_of_requests(route) or route.leaves)


def _of_requests(route: Route) -> bool:
    return bool(route.mirrors) or any(replace(match, ports=()) != Match() for match in route.matches)


def _too_new(path: str, leaf: Leaf | None, intent: MeshIntent, gaps: Gaps) -> None:
    found = claim(path)
    running = _numbers(intent.mesh.version)
    if found and found.since and running and running < _numbers(found.since):
        gaps.error(
            "mesh-too-old", f"{path} needs version {found.since} of the mesh; {intent.mesh.version} is running", leaf
        )


@lru_cache(maxsize=1000)
def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def advise_access(group: Iterable[AccessIntent], intent: MeshIntent, gaps: Gaps) -> None:
    for access in group:
        tell_outside(access.service, intent, gaps)
        check_one_way(access.service, intent, gaps)
        _selects_more(access, intent, gaps)
        tell_around(access, intent, gaps)
        authorizers.check(access, intent, gaps)
        warn_unverified(access, intent.access_by_service.get(access.service, ()), gaps)
        by_node = profile_of(access.service, intent) != SIDECAR  # they always encrypt
        if not by_node and _needs_identity(access) and mode_of(access.service, intent) == "Disabled":
            said = f"{access.policy} tells callers apart by identity, but mTLS of {access.service} is disabled"
            if access.action is AccessAction.DENY:
                gaps.error("identity-without-mtls", f"{said}: it denies nobody")
            else:
                verb = "allows" if access.action is AccessAction.ALLOW else "audits"
                gaps.warning("identity-without-mtls", f"{said}: it {verb} nobody")


def _selects_more(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> None:
    """In the root namespace the mesh takes a selector for the workloads of every namespace."""
    if access.service.namespace != root_namespace(intent):
        return
    others = sorted(
        f"{one.namespace}/{one.name}"
        for one in intent.cluster.workloads
        if one.namespace != access.service.namespace and access.selector.items() <= one.labels.items()
    )
    if others:
        gaps.error(
            "selects-more",
            f"{access.service.label} is in the root namespace, where its labels also mean {', '.join(others)}",
            hint="give its pods a label of their own, and select by it",
        )


def _needs_identity(access: AccessIntent) -> bool:
    return any(
        identity.any_identity or identity.raw or identity.namespace or identity.trust_domain
        for identity in access.identities or ()
    )


def mode_of(service: ServiceRef, intent: MeshIntent) -> str:
    """The mTLS mode that the workloads of a service will have: their own, the mesh's, or the one that it has now."""
    said = intent.mtls_by_name
    asked = said.get((service.name, service.namespace)) or said.get(None)
    return asked[0].mode if asked else intent.mesh.mtls


def advise_mtls(mtls: MtlsIntent, intent: MeshIntent, gaps: Gaps) -> None:
    tell_mode(mtls, intent, gaps)
    if mtls.service is None:
        return
    tell_outside(mtls.service, intent, gaps)
    for other in intent.mtls_by_namespace[mtls.service.namespace]:
        if (
            other.service
            and other.service < mtls.service
            and dict(other.selector) == dict(mtls.selector)
            and other.mode != mtls.mode
        ):
            gaps.error(
                "mtls-overlap",
                f"{other.service} and {mtls.service} are the same workloads, asked to be {other.mode} and {mtls.mode}; "
                "the mesh takes the older of the two",
            )
