"""Which service of Consul a service is. The community edition knows services by their name alone: two of one name in
two namespaces are one for it, and what is said of the one would hold for the other."""

from __future__ import annotations

from reconciler.adapters.gaps import Gaps
from reconciler.model.facts import ClusterFacts, MeshFacts, ServiceFacts, WorkloadFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeKind
from reconciler.model.refs import ServiceRef

#: the namespace of servers without Kubernetes
DEFAULT_NAMESPACE = "default"
#: in place of a name: every service
ANY = "*"
#: what the object for all services is called, since ``*`` is no name of an object
ANY_NAME = "all.services"
#: before the kind, in the settings of a mesh: the namespace of the one object that there is of it
PLACE = "place."


def check(service: ServiceRef, intent: MeshIntent, gaps: Gaps) -> None:
    """A gap where a service is none of Consul's, or not the only one of its name."""
    if service.host:
        gaps.error("mesh-inexpressible", f"the mesh routes to its own services only, not to {service.label}")
        return
    twins = [one.ref.namespace for one in members(intent) if one.ref.name == service.name]
    if others := sorted({*twins} - {service.namespace}):
        told = f"the mesh knows services by their names alone, and {service.name} is one in {', '.join(others)}, too"
        gaps.error("mesh-inexpressible", told, hint="give one of them another name")


def for_all_in(mesh: MeshFacts) -> str:
    """The namespace in which what is for all services lies."""
    return mesh.root_namespace or mesh.namespace or DEFAULT_NAMESPACE


def place_of(kind: NativeKind, intent: MeshIntent) -> str:
    """The namespace of an object of which there is one: where it is, or where what is for all goes."""
    return intent.mesh.settings.get(f"{PLACE}{kind.kind.kind}") or for_all_in(intent.mesh)


def members(intent: MeshIntent) -> tuple[ServiceFacts, ...]:
    return in_mesh(intent.cluster, intent.mesh)


def in_mesh(cluster: ClusterFacts, mesh: MeshFacts) -> tuple[ServiceFacts, ...]:
    """The services that have instances in the mesh; all that select some where it is not known who is in it."""
    return tuple(one for one in cluster.services if is_member(one, cluster, mesh))


def is_member(service: ServiceFacts, cluster: ClusterFacts, mesh: MeshFacts) -> bool:
    if not mesh.enrolled_namespaces and not mesh.workload_profiles:
        return bool(service.selector)
    return bool(service.selector) and any(map(mesh.enrolls, behind(service, cluster)))


def of_account(namespace: str, account: str, intent: MeshIntent, *, exactly: bool, gaps: Gaps) -> tuple[str, ...]:
    """The services whose instances run under a service account; all of them where the account is "". ``exactly``: a gap
    where an instance of one runs under another account, since it would be let in as well."""
    names = []
    for one in members(intent):
        accounts = {workload.service_account for workload in behind(one, intent.cluster)}
        if one.ref.namespace != namespace or (account and account not in accounts):
            continue
        if account and exactly and accounts != {account}:
            told = f"workloads of {one.ref.label} run under other accounts than {account}, and would be allowed, too"
            gaps.error("mesh-inexpressible", told, hint="the mesh knows callers by the name of their service")
        check(one.ref, intent, gaps)
        names.append(one.ref.name)
    return tuple(sorted(set(names)))


def behind(service: ServiceFacts, cluster: ClusterFacts) -> tuple[WorkloadFacts, ...]:
    """The workloads whose pods, or the instances that, a service consists of."""
    return cluster.workloads_with(service.ref.namespace, service.selector)
