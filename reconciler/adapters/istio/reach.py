"""Sidecar: what the proxies of some callers know of. Always their own namespace, and what lies with the mesh itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.egress import policy
from reconciler.adapters.istio.kinds import SIDECAR
from reconciler.adapters.istio.objects import build, fqdn, object_name, root_namespace
from reconciler.adapters.istio.servers import servers_of
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.reach import ReachIntent
from reconciler.model.refs import ServiceRef

#: the name that people and tools expect for the one of a whole namespace
WHOLE = "default"


def emit(intent: MeshIntent) -> Iterable[Built]:
    for reach in intent.reaches:
        gaps = Gaps()
        yield built([sidecar(reach, intent, gaps)], gaps, reach.origins, intent)


def sidecar(reach: ReachIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    """Hosts that Destination documents name stay known to those who may see them: they are named to be called; and so
    do the servers that workloads of the namespace ask about requests, without which they would refuse all."""
    if reach.namespace == root_namespace(intent) and not reach.labels:
        gaps.error("mesh-inexpressible", f"what is said of namespace {reach.namespace} would hold for the whole mesh")
    hosts = {"./*", f"{intent.mesh.namespace}/*", f"{root_namespace(intent)}/*"}
    hosts |= {_host(service, intent) for service in reach.services if service.namespace != reach.namespace}
    for one in intent.destinations:
        if not one.visible_to or reach.namespace in one.visible_to:
            hosts |= {f"*/{host}" for host in one.hosts}
    for host in intent.hosts:
        if host.service.namespace == reach.namespace:
            hosts |= {f"{namespace}/{name}" for namespace, name in servers_of(host, intent)}
    spec: dict[str, Any] = {"workloadSelector": {"labels": dict(reach.labels)}} if reach.labels else {}
    spec |= {"egress": [{"hosts": sorted(hosts)}], **policy(intent)}
    origins = {*reach.origins, *(intent.egress.origins if intent.egress else ())}
    return build(intent, SIDECAR, reach.namespace, _name(reach), spec, origins)


def _host(service: ServiceRef, intent: MeshIntent) -> str:
    """A literal host may be defined in any namespace."""
    return f"*/{service.host}" if service.host else f"{service.namespace}/{fqdn(service, intent)}"


def _name(reach: ReachIntent) -> str:
    if not reach.labels:
        return WHOLE
    parts = [part for label in reach.labels for part in label]
    ambiguous = len(reach.labels) > 1 or any("-" in part for part in parts)
    return object_name(f"reach.{'-'.join(parts)}", parts, ambiguous=ambiguous)
