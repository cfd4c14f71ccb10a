"""Services whose workloads are not in the mesh, and what puts them there."""

from __future__ import annotations

from reconciler.adapters import outside
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef

_HINTS = outside.Hints(
    namespace="annotate it linkerd.io/inject: enabled, and start its pods anew",
    pods="see the annotation linkerd.io/inject of their pods",
)


def tell_outside(service: ServiceRef, intent: MeshIntent, gaps: Gaps) -> None:
    outside.tell_outside(service, intent, gaps, _HINTS)


def is_outside(service: ServiceRef, intent: MeshIntent) -> bool:
    """Whether it is known that no proxy stands before its workloads."""
    facts, enrolled = intent.cluster.service(service.name, service.namespace), intent.mesh.enrolled_namespaces
    workloads = intent.cluster.workloads_with(service.namespace, facts.selector) if facts and facts.selector else ()
    if not enrolled:
        return False
    return not any(map(intent.mesh.enrolls, workloads)) if workloads else service.namespace not in enrolled
