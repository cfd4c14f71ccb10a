"""Services whose workloads are not in the mesh, all of them or some: nothing there enforces what is asked."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.protocols import selects
from reconciler.model.facts import WorkloadFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef


@dataclass(frozen=True, slots=True)
class Hints:
    """How a namespace is put into a mesh, and where pods say it themselves."""

    namespace: str
    pods: str


def tell_outside(service: ServiceRef, intent: MeshIntent, gaps: Gaps, hints: Hints) -> None:
    """Only where it is known which namespaces there are and that some are enrolled. Pods may be enrolled, or taken
    out, one by one."""
    enrolled = intent.mesh.enrolled_namespaces
    if not enrolled or service.namespace not in intent.cluster.namespaces:
        return
    workloads = _behind(service, intent)
    outside = [one for one in workloads if not intent.mesh.enrolls(one)]
    if service.namespace not in enrolled and len(outside) == len(workloads):
        gaps.warning(
            "namespace-not-enrolled",
            f"namespace {service.namespace} is not in the mesh, so nothing there enforces rules for {service}",
            hint=hints.namespace,
        )
    elif outside:
        names = ", ".join(f"{one.kind} {one.name}" for one in outside)
        gaps.warning(
            "workload-not-enrolled",
            f"behind {service} these are not in the mesh, so nothing there enforces rules for it: {names}",
            hint=hints.pods,
        )


def _behind(service: ServiceRef, intent: MeshIntent) -> list[WorkloadFacts]:
    facts = intent.cluster.service(service.name, service.namespace)
    if facts is None or not facts.selector:
        return []
    return [one for one in intent.cluster.workloads_in(service.namespace) if selects(facts.selector, one.labels)]
