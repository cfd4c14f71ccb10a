"""Services that proxies ask about requests, as the proxies know them: by the cluster that the mesh has for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.adapters.asked import service_of
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.objects import fqdn
from reconciler.adapters.istio.proxy_patches import Native
from reconciler.adapters.protocols import is_http2
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.rules import Leaf


def grpc_service(server: str, leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Native:
    cluster, host = cluster_of(server, leaf, intent, gaps, http2=True)
    return {"envoy_grpc": {"cluster_name": cluster, "authority": host}}


def cluster_of(server: str, leaf: Leaf, intent: MeshIntent, gaps: Gaps, *, http2: bool) -> tuple[str, str]:
    """The cluster and the host name of ``name.namespace:port``, with what is wrong with it in ``gaps``."""
    port = server.rpartition(":")[2]
    found = service_of(server, intent.cluster_domain)
    if found is None:
        told = f"{server} is not a service of the cluster, and the proxies know no other servers"
        gaps.error("mesh-inexpressible", told, leaf, "write it as name.namespace:port")
        return "", ""
    _check(found.name, found.namespace, int(port), leaf, intent, gaps, http2)
    return f"outbound|{port}||{fqdn(found, intent)}", fqdn(found, intent)


def servers_of(host: HostIntent, intent: MeshIntent) -> Iterator[tuple[str, str]]:
    """Namespace and host name of each server that the workloads of a host ask."""
    for route in host.inbound:
        for leaf in route.leaves:
            asked = leaf.value if isinstance(leaf.value, Mapping) else {}
            found = service_of(str(asked["server"]), intent.cluster_domain) if "server" in asked else None
            if found is not None:
                yield found.namespace, fqdn(found, intent)


def _check(name: str, namespace: str, number: int, leaf: Leaf, intent: MeshIntent, gaps: Gaps, http2: bool) -> None:
    facts = intent.cluster.service(name, namespace)
    if facts is None:
        gaps.warning("server-unknown", f"there is no service {name}.{namespace} for {leaf.path} (yet)", leaf)
        return
    port = next((one for one in facts.ports if one.number == number), None)
    if port is None:
        gaps.error("port-unknown", f"{name}.{namespace} has no port {number}, which {leaf.path} asks", leaf)
    elif http2 and not is_http2(port):
        told = f"port {number} of {name}.{namespace} is not declared to take HTTP/2, so it cannot be asked by gRPC"
        gaps.warning("server-protocol", told, leaf, "name the port grpc, or declare its appProtocol")
