"""To what an object for some workloads is bound: to their proxies, or where nodes serve them, to their waypoints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.enrolment import AMBIENT
from reconciler.adapters.istio.profiles import SIDECAR, has_nodes, waypoint_of
from reconciler.adapters.protocols import selects
from reconciler.model.facts import OUTSIDE, ServiceFacts, WorkloadFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.workload_intents import WorkloadScope

#: most things that one object may be bound to
MOST = 16
Native = dict[str, Any]


def placed(scope: WorkloadScope, intent: MeshIntent, gaps: Gaps, *, whole: bool = False) -> Native:
    """The ``selector`` or ``targetRefs`` of an object; nothing for all of a namespace, or of the mesh. ``whole``: the
    mesh takes an object for a namespace at its waypoints too."""
    if not by_node(scope, intent, gaps):
        return {"selector": {"matchLabels": dict(scope.labels)}} if scope.labels else {}
    found = _services(scope, intent) if scope.labels else _waypoints(scope, intent)
    if not found:
        gaps.error(
            "waypoint-needed",
            f"nodes serve the workloads of namespace {scope.namespace} that are meant, and no waypoint is theirs alone",
            hint="give their service a waypoint",
        )
    if len(found) > MOST:
        gaps.error("mesh-inexpressible", f"the mesh binds an object to {MOST} things at most, not {len(found)}")
    return {} if whole and not scope.labels else {"targetRefs": found}


def by_node(scope: WorkloadScope, intent: MeshIntent, gaps: Gaps) -> bool:
    """Whether nodes serve the workloads of a scope; of one over several namespaces that is not asked."""
    if not scope.namespace or not has_nodes(intent.mesh):
        return False
    ways = {intent.mesh.profile(scope.namespace, one) for one in _members(scope, intent)} - {OUTSIDE}
    ways = ways or {intent.mesh.profile(scope.namespace)}
    if ways >= {SIDECAR, AMBIENT}:
        gaps.error(
            "enrolled-two-ways",
            f"some of the workloads of namespace {scope.namespace} that are meant have a proxy beside them "
            "and some are served by their nodes",
            hint="name the two apart",
        )
    return AMBIENT in ways


def _members(scope: WorkloadScope, intent: MeshIntent) -> list[WorkloadFacts]:
    workloads = intent.cluster.workloads_in(scope.namespace)
    return [one for one in workloads if set(scope.labels) <= set(one.labels.items())]


def _services(scope: WorkloadScope, intent: MeshIntent) -> list[Native]:
    """Services with a waypoint all of whose workloads are meant."""
    members = _members(scope, intent)
    own = [one for one in intent.cluster.services if one.ref.namespace == scope.namespace]
    meant = [one for one in own if waypoint_of(one.ref, intent) and _all_meant(one, members, intent)]
    return [{"group": "", "kind": "Service", "name": one.ref.name} for one in sorted(meant, key=lambda one: one.ref)]


def _all_meant(service: ServiceFacts, members: Iterable[WorkloadFacts], intent: MeshIntent) -> bool:
    meant = list(members)
    behind = [
        one for one in intent.cluster.workloads_in(service.ref.namespace) if selects(service.selector, one.labels)
    ]
    return bool(behind) and all(one in meant for one in behind)


def _waypoints(scope: WorkloadScope, intent: MeshIntent) -> list[Native]:
    own = sorted(one.name for one in intent.mesh.waypoints if one.namespace == scope.namespace)
    return [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name} for name in own]
