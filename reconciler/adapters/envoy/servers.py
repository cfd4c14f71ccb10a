"""Servers that a proxy asks about requests: services of the mesh by the cluster that every proxy has for them, and
places outside of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.proxies import is_address
from reconciler.adapters.gaps import Gaps
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf

#: where systems keep the roots that they trust
_SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"
_TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
Native = dict[str, Any]


def grpc_service(server: str, leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Native:
    cluster, host = cluster_of(server, leaf, intent, gaps, http2=True)
    return {"envoy_grpc": {"cluster_name": cluster, "authority": host}}


def cluster_of(server: str, leaf: Leaf, intent: MeshIntent, gaps: Gaps, *, http2: bool) -> tuple[str, str]:
    """The cluster and the host of ``name.namespace:port``; gaps for what the mesh does not know."""
    host, _, number = server.rpartition(":")
    service = service_named(server, intent)
    if service is None:
        told = f"{host or server} is not a service of the mesh, and its proxies know no other servers"
        gaps.error("mesh-inexpressible", told, leaf, "write it as name.namespace:port")
        return "", ""
    facts = intent.cluster.service(service.name, service.namespace)
    port = next((one for one in facts.ports if str(one.number) == number), None) if facts else None
    if port is None:
        gaps.error("port-unknown", f"{service.label} has no port {number}, which {leaf.path} asks", leaf)
        return "", ""
    _check(service, port, leaf, gaps, http2)
    return names.upstream(service, port.number), service.label


def servers_of(host: HostIntent, intent: MeshIntent) -> Iterator[ServiceRef]:
    """Those that the proxies of a service ask."""
    for route in host.inbound:
        for leaf in route.leaves:
            asked = leaf.value if isinstance(leaf.value, Mapping) else {}
            found = service_named(str(asked["server"]), intent) if "server" in asked else None
            if found is not None:
                yield found


def outside_cluster(name: str, address: str, gaps: Gaps) -> Native:
    """``http(s)://host:port``; over TLS its certificate must be for that host, by a root that the system trusts."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or 0
    if parts.scheme not in ("http", "https") or not host:
        gaps.error("mesh-invalid-value", f"not an address of a web server: {address}")
    endpoint = {"lb_endpoints": [{"endpoint": {"address": socket(host, port)}}]}
    return {
        "name": name,
        "type": "STATIC" if is_address(host) else "STRICT_DNS",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [endpoint]},
        **(_secured(host) if parts.scheme == "https" else {}),
    }


def _secured(host: str) -> Native:
    kind = "IP_ADDRESS" if is_address(host) else "DNS"
    validation = {
        "trusted_ca": {"filename": _SYSTEM_ROOTS},
        "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": host}}],
    }
    sni = {} if is_address(host) else {"sni": host}
    context = typed(_TLS, **sni, common_tls_context={"validation_context": validation})
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}


def service_named(server: str, intent: MeshIntent) -> ServiceRef | None:
    """One that the mesh describes, by its name or one of its hosts."""
    address = server.rpartition(":")[0]
    for one in intent.destinations:
        if not one.external and address in (one.service.label, *one.hosts):
            return one.service
    return None


def _check(service: ServiceRef, port: PortFacts, leaf: Leaf, gaps: Gaps, http2: bool) -> None:
    if not names.is_http(port) or (http2 and port.app_protocol == "http"):
        told = f"port {port.number} of {service.label} is not declared to take {'HTTP/2' if http2 else 'HTTP'}"
        gaps.error("server-protocol", f"{told}, so it cannot be asked", leaf, "declare its protocol: GRPC or HTTP2")
