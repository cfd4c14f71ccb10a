"""From a name that somebody asks about to what it is on a target: a service or a workload, its pods and accounts."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.compile.inspecting import Subject
from reconciler.compile.site import behind, has_labels
from reconciler.model.facts import ClusterFacts, ServiceFacts, WorkloadFacts
from reconciler.model.intents import MeshIntent


def service_subject(name: str, intent: MeshIntent) -> Subject | None:
    """``reviews.shop``, ``reviews`` where one namespace alone has it, or a host that a policy or Destination names."""
    for host in intent.hosts:
        if host.service.host and name in (host.service.host, host.service.label):
            return Subject(host.service.namespace, {}, frozenset(), frozenset({host.service}), host.service.label)
    found = [one for one in intent.cluster.services if name in (one.ref.label, one.ref.name)]
    if len({one.ref.label for one in found}) != 1:
        return None
    service = found[0]
    workloads = behind(service, intent.cluster)
    return Subject(
        service.ref.namespace,
        dict(service.selector),
        frozenset(one.service_account for one in workloads),
        frozenset({service.ref}),
        service.ref.label,
    )


def workload_subject(name: str, intent: MeshIntent) -> Subject | None:
    """``reviews-v1.shop`` or ``shop/reviews-v1``, or the bare name where one namespace alone has it."""
    found = [one for one in intent.cluster.workloads if name in _names(one)]
    if len({(one.namespace, one.name) for one in found}) != 1:
        return None
    work = found[0]
    services = frozenset(one.ref for one in _before(work, intent.cluster))
    accounts = frozenset({work.service_account})
    return Subject(work.namespace, dict(work.labels), accounts, services, f"{work.name}.{work.namespace}")


def _names(work: WorkloadFacts) -> tuple[str, str, str]:
    return (work.name, f"{work.name}.{work.namespace}", f"{work.namespace}/{work.name}")


def _before(work: WorkloadFacts, cluster: ClusterFacts) -> Iterable[ServiceFacts]:
    """The services whose pods the workload's are."""
    return (
        one
        for one in cluster.services
        if one.selector and one.ref.namespace == work.namespace and has_labels(work.labels, one.selector)
    )


def known_names(kind: str, intents: Iterable[MeshIntent]) -> list[str]:
    """What could have been asked about, for a hint."""
    if kind == "service":
        return sorted({one.ref.label for intent in intents for one in intent.cluster.services})
    return sorted({f"{one.name}.{one.namespace}" for intent in intents for one in intent.cluster.workloads})
