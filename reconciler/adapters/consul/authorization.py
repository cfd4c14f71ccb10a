"""A server that the proxies of a service ask whether requests may go on: the extension ``builtin/ext-authz`` in its
ServiceDefaults. It is asked after intentions have let a request in, and about all of them.

Where the extension is required, a server that does not answer refuses. Before 1.19 it asked about what the service
itself calls, too. Source: agent/envoyextensions/builtin/ext-authz.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.asked import service_of
from reconciler.adapters.consul import names
from reconciler.adapters.consul.resilience import duration
from reconciler.adapters.consul.speaking import GRPC, HTTP2, TCP, protocol_of
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf

_PATH = "traffic.extAuth"
_TIMEOUT = "200ms"
Native = dict[str, Any]


@dataclass(frozen=True)
class Authorization:
    """``server``: the service that is asked, where it has to be known to speak ``protocol``."""

    extension: Native
    protocol: str = ""
    server: ServiceRef | None = None


def authorization(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Authorization | None:
    """What is asked for a service; None where nothing is."""
    asking = [(route, leaf) for route in host.inbound if (leaf := leaf_at(route.leaves, _PATH))]
    if not asking:
        return None
    for route in host.inbound:
        if route.matches or route.sources:
            told = "the mesh has a server decide about all requests to a service, and not about some"
            gaps.about(route.askers.match).error("mesh-inexpressible", told)
    leaf = asking[0][1]
    names.check(host.service, intent, gaps)
    if protocol_of(host.service, intent, gaps) == TCP:
        told = f"{host.service.label} carries connections, and a server decides about requests"
        gaps.error("mesh-inexpressible", told, leaf)
    return _asked(leaf.value, leaf, intent, gaps)


def _asked(asked: Mapping[str, Any], leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Authorization:
    facts = _server(str(asked["server"]), leaf, intent, gaps)
    target = {
        "Service": {"Name": facts.ref.name if facts else str(asked["server"]).partition(".")[0]},
        "Timeout": duration(asked.get("timeout", _TIMEOUT), leaf, gaps),
    }
    grpc = asked.get("protocol", "Grpc") == "Grpc"
    config = {"GrpcService": {"Target": target}} if grpc else {"HttpService": {"Target": target} | _headers(asked)}
    if grpc and "headers" in asked:
        gaps.error(
            "mesh-inexpressible", "a server that is asked by gRPC is told all headers", leaf, "leave headers out"
        )
    arguments = {"ProxyType": "connect-proxy", "ListenerType": "inbound", "Config": config}
    extension: Native = {"name": "builtin/ext-authz", "arguments": arguments}
    extension |= {} if asked.get("failOpen") else {"required": True}
    spoken = _spoken(facts, leaf, intent, gaps) if facts and grpc else ""
    return Authorization(extension, spoken, facts.ref if facts and spoken else None)


def _headers(asked: Mapping[str, Any]) -> Native:
    if "headers" not in asked:
        return {}
    patterns = [{"Exact": str(name).lower()} for name in asked["headers"]]
    return {"AuthorizationRequest": {"AllowedHeaders": patterns}}


def _server(server: str, leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> ServiceFacts | None:
    """What is known of it; None where it is not there (yet)."""
    found, port = service_of(server, intent.cluster_domain), server.rpartition(":")[2]
    if found is None:
        told = f"{server} is not a service of the cluster, and the proxies know no other servers"
        gaps.error("mesh-inexpressible", told, leaf, "write it as name.namespace:port")
        return None
    names.check(found, intent, gaps)
    facts = intent.cluster.service(found.name, found.namespace)
    if facts is None:
        gaps.error("server-unknown", f"there is no service {found.label} for {leaf.path} (yet)", leaf)
    elif port not in {str(one.number) for one in facts.ports}:
        gaps.error("port-unknown", f"{found.label} has no port {port}, which {leaf.path} asks", leaf)
    return facts


def _spoken(facts: ServiceFacts, leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> str:
    """Proxies speak HTTP/2 with it only where its own ServiceDefaults say so."""
    found = protocol_of(facts.ref, intent, gaps)
    if found not in (GRPC, HTTP2):
        told = f"{facts.ref.label} is not declared to take HTTP/2, so it cannot be asked by gRPC"
        gaps.error("server-protocol", told, leaf, "name the port grpc, or declare its appProtocol")
    return found
