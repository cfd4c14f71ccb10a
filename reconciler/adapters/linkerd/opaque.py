"""Ports on which no proxy looks for requests, where policies say so. Callers' proxies hear it from an annotation of the
Service, at once; the proxies of its workloads from a Server, so that no pod has to be made anew.

Source: linkerd2, controller/api/destination/watcher/opaque_ports_watcher.go (with the annotation a Service has no ports
that are opaque by default), server_watcher.go; policy-controller/k8s/index/src/outbound/index.rs (since 2.18 the
appProtocol of a port is taken before the annotation).
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.linkerd.lending import check_there
from reconciler.adapters.linkerd.retries import Annotations
from reconciler.adapters.protocols import Speech, speech
from reconciler.adapters.versions import before
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.intents import HostIntent, MeshIntent, Origin
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf

_ANNOTATION = "config.linkerd.io/opaque-ports"
_OPAQUE, _APP = "traffic.protocol.opaque", "traffic.protocol.appProtocol"
_TCP, _UNKNOWN = "tcp", "unknown"
#: appProtocols of this mesh for ports on which no request is looked for
_OWN = ("linkerd.io/opaque", "linkerd.io/tcp")


def asked_of(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Annotations:
    """Nothing where no policy asks for it; none of its ports where a policy wants requests to be looked for."""
    leaf = _leaf(host)
    if leaf is None:
        return {}
    if not check_there(host, leaf, gaps) or host.facts is None:
        return {}
    _check(host, leaf, intent, gaps)
    numbers = sorted(port.number for port in host.facts.ports if speech(port) is not Speech.UDP)
    return {_ANNOTATION: ",".join(map(str, numbers)) if _is_opaque(leaf) else ""}


def is_asked(service: ServiceRef, intent: MeshIntent) -> bool:
    """Whether a policy wants that nobody looks for requests to a service."""
    leaf = _leaf_of(service, intent)
    return leaf is not None and _is_opaque(leaf)


def origins(host: HostIntent) -> tuple[Origin, ...]:
    """Who asks for it."""
    leaf = _leaf(host)
    return () if leaf is None else (Origin(leaf.policy, leaf.position),)


def as_said(host: HostIntent, intent: MeshIntent) -> HostIntent:
    """The host, its ports speaking what proxies believe of them."""
    leaf, known = _leaf(host), host.facts.ports if host.facts else ()
    ports = tuple(_said(port, leaf, intent) for port in known)
    return host if host.facts is None or ports == known else replace(host, facts=replace(host.facts, ports=ports))


def ports_of(service: ServiceRef, intent: MeshIntent) -> tuple[tuple[ServiceFacts, PortFacts], ...]:
    """The ports of a service, speaking what proxies believe of them."""
    facts = intent.cluster.service(service.name, service.namespace)
    leaf = _leaf_of(service, intent)
    return tuple((facts, _said(port, leaf, intent)) for port in facts.ports) if facts else ()


def _leaf_of(service: ServiceRef, intent: MeshIntent) -> Leaf | None:
    leaves = (_leaf(host) for host in intent.hosts_by_name.get((service.name, service.namespace), ()))
    return next((leaf for leaf in leaves if leaf is not None), None)


def _leaf(host: HostIntent) -> Leaf | None:
    """The one that decides; that which makes it opaque where both are asked for."""
    found = [leaf for path in (_OPAQUE, _APP) if (leaf := leaf_at(host.host_leaves, path)) is not None]
    return next((leaf for leaf in found if _is_opaque(leaf)), found[0] if found else None)


def _is_opaque(leaf: Leaf) -> bool:
    return leaf.value is True if leaf.path == _OPAQUE else str(leaf.value).lower() == _TCP


def _check(host: HostIntent, leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> None:
    if leaf.path == _APP and not _is_opaque(leaf):
        told = f"the mesh takes what a port speaks from appProtocol of its Service, and {leaf.value!r} only from there"
        gaps.error("mesh-inexpressible", told, leaf, "set it in the Service")
    for port in host.facts.ports if host.facts else ():
        if _is_fixed(port, intent) and _is_opaque(leaf) is not _is_own(port):
            told = f"port {port.number} of {host.service.label} says appProtocol {port.app_protocol}"
            hint = f"take it out of the Service, or say {_OWN[0]} there" if _is_opaque(leaf) else "take it out there"
            gaps.error("mesh-inexpressible", f"{told}, which the mesh takes before its annotations", leaf, hint)


def _is_fixed(port: PortFacts, intent: MeshIntent) -> bool:
    return bool(port.app_protocol) and not before("2.18", intent)


def _is_own(port: PortFacts) -> bool:
    return port.app_protocol.lower() in _OWN


def _said(port: PortFacts, leaf: Leaf | None, intent: MeshIntent) -> PortFacts:
    """As it is where nobody says anything; found out where a policy wants that."""
    opaque = leaf is not None and _is_opaque(leaf)
    if opaque or (_is_fixed(port, intent) and _is_own(port)):
        return replace(port, app_protocol=_TCP)
    return replace(port, app_protocol=_UNKNOWN) if leaf and speech(port) is Speech.OPAQUE else port
