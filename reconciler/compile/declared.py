"""Facts of meshes whose services no orchestrator knows: services and workloads as Destination documents describe them.

Beside ``discovered``, which leaves out of facts what a revision does not want looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.adapters.base import Adapter
from reconciler.compile.gateways import known_gateways
from reconciler.compile.named import facts_of, is_here
from reconciler.model.destinations import Destination, Endpoint
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts, MeshFacts, ServiceFacts, WorkloadFacts
from reconciler.model.meshes import Mesh
from reconciler.model.refs import TargetId

#: on each workload behind a service: its selector
SERVICE_LABEL = "service.reconciler.dev/"


def declared(desired: DesiredState, facts: Facts, adapters: Mapping[str, Adapter]) -> Facts:
    """The same facts where no mesh is of this kind."""
    found = dict(facts.clusters)
    for target in desired.targets:
        adapter, known = adapters.get(desired.mesh(target).type), found.get(target.cluster)
        if adapter is not None and known is not None and adapter.default_mesh.declared:
            found[target.cluster] = _described(known, target, desired, adapter.name)
    return replace(facts, clusters=found) if found != facts.clusters else facts


def _described(found: ClusterFacts, target: TargetId, desired: DesiredState, mesh_type: str) -> ClusterFacts:
    view = desired.views[target]
    mesh = MeshFacts(mesh_type, "", declared=True)
    docs = [doc for doc in view.destinations if doc.in_mesh and is_here(doc, target, view)]
    named = facts_of(docs, target, view, mesh)
    services = {one.ref: replace(one, selector=_selector(one.ref.name)) for one in named.values()}
    workloads = (*_workloads(docs, target.cluster, services.values()), *_gateways(desired.mesh(target)))
    namespaces = sorted({one.ref.namespace for one in services.values()} | {one.namespace for one in workloads})
    meshes = tuple(
        _enrolled(one, desired.mesh(target), namespaces) if one.type == mesh_type else one for one in found.meshes
    )
    return replace(
        found,
        namespaces={**{name: {} for name in namespaces}, **found.namespaces},
        services=(*found.services, *(services[ref] for ref in sorted(services))),
        workloads=(*found.workloads, *workloads),
        meshes=meshes,
    )


def _selector(service: str) -> Mapping[str, str]:
    return {f"{SERVICE_LABEL}{service}": ""}


def _workloads(docs: Iterable[Destination], cluster: str, services: Iterable[ServiceFacts]) -> Iterator[WorkloadFacts]:
    """One for each proxy; several services may be behind it."""
    homes = {one.ref.name: one.ref.namespace for one in services}
    found: dict[tuple[str, str], WorkloadFacts] = {}
    here = ((doc.ref, one) for doc in docs for one in doc.endpoints if one.cluster in ("", cluster))
    for ref, endpoint in here:
        one = _workload(ref.name, homes.get(ref.name, ref.namespace), endpoint)
        before = found.get((one.namespace, one.name), one)
        found[one.namespace, one.name] = replace(one, labels={**before.labels, **one.labels})
    yield from (found[key] for key in sorted(found))


def _workload(service: str, home: str, endpoint: Endpoint) -> WorkloadFacts:
    return WorkloadFacts(
        kind="Workload",
        namespace=endpoint.account.namespace if endpoint.account else home,
        name=endpoint.proxy_name(service),
        labels={**endpoint.labels, **_selector(service)},
        service_account=endpoint.account.name if endpoint.account else "default",
    )


def _gateways(document: Mesh) -> Iterator[WorkloadFacts]:
    """A gateway is a caller, too: its proxy has the account of its name."""
    for one in document.gateways:
        yield WorkloadFacts("Gateway", one.namespace, one.name, dict(one.selector.match_labels), one.name)


def _enrolled(mesh: MeshFacts, document: Mesh, namespaces: Iterable[str]) -> MeshFacts:
    """Nobody but the document says what identities are called there."""
    return replace(
        mesh,
        enrolled_namespaces=tuple(namespaces),
        gateways=known_gateways(document, mesh),
        trust_domain=document.trust_domain or mesh.trust_domain,
        trust_domain_aliases=document.trust_domain_aliases or mesh.trust_domain_aliases,
    )
