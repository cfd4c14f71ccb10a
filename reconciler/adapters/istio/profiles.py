"""The ways in which the mesh serves a service: a proxy beside each pod, a waypoint before it, or its node alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.istio.enrolment import AMBIENT
from reconciler.model.facts import OUTSIDE, ClusterFacts, MeshFacts, WaypointFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef

SIDECAR = ""
#: served by nodes, with a waypoint that requests to the service pass
WAYPOINT = AMBIENT
#: served by nodes alone, which see connections and no requests
NODE = "ambient-l4"
PROFILES = (SIDECAR, WAYPOINT, NODE)


def profile(mesh: MeshFacts, cluster: ClusterFacts, service: ServiceRef | None) -> str:
    """The profile of a service. A host that is no service is what callers make of it: so by where these are."""
    if service is None or not has_nodes(mesh):
        return SIDECAR
    if service.host:
        enrolled = mesh.enrolled_namespaces
        return NODE if enrolled and all(mesh.profile(space) == AMBIENT for space in enrolled) else SIDECAR
    if AMBIENT not in ways(mesh, cluster, service):
        return SIDECAR
    return WAYPOINT if mesh.waypoint(service.name, service.namespace) else NODE


def has_nodes(mesh: MeshFacts) -> bool:
    """Whether nodes serve any of the mesh."""
    return AMBIENT in mesh.profiles.values() or AMBIENT in mesh.workload_profiles.values()


def ways(mesh: MeshFacts, cluster: ClusterFacts, service: ServiceRef) -> set[str]:
    """How the pods behind a service are enrolled; as their namespace where none is known."""
    facts = cluster.service(service.name, service.namespace)
    if facts is None or not mesh.workload_profiles:
        return {mesh.profile(service.namespace)}
    own = {
        mesh.profile(service.namespace, one)
        for one in (cluster.workloads_with(service.namespace, facts.selector) if facts.selector else ())
    }
    return own - {OUTSIDE} or {mesh.profile(service.namespace)}


def profile_of(service: ServiceRef, intent: MeshIntent) -> str:
    return profile(intent.mesh, intent.cluster, service)


def waypoint_of(service: ServiceRef, intent: MeshIntent) -> WaypointFacts | None:
    """The waypoint that enforces rules for a service, if one does."""
    if profile_of(service, intent) != WAYPOINT:
        return None
    return intent.mesh.waypoint(service.name, service.namespace)


def bound(service: ServiceRef, selector: Mapping[str, str], intent: MeshIntent) -> dict[str, Any]:
    """To what an object for a service is bound: to its workloads, or to itself, for the waypoint before it."""
    if waypoint_of(service, intent) is not None:
        return {"targetRefs": [{"group": "", "kind": "Service", "name": service.name}]}
    return {"selector": {"matchLabels": dict(sorted(selector.items()))}}
