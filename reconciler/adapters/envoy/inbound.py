"""What a proxy does with requests that have arrived for its own service: virtual hosts of its inbound ports, and the
cluster that is the service itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.kinds import CLUSTER, VIRTUAL_HOST, resource
from reconciler.adapters.envoy.proxies import Proxy, Served, proxies_of
from reconciler.adapters.envoy.upstreams import protocol
from reconciler.adapters.gaps import Gaps
from reconciler.model.facts import PortFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterator[Built]:
    for proxy in proxies_of(intent):
        for served in proxy.served:
            facts = intent.cluster.service(served.service.name, served.service.namespace)
            for port in facts.ports if facts else ():
                gaps = Gaps()
                made = [_cluster(proxy, served, port, intent)]
                if names.is_http(port):
                    made.append(_virtual_host(proxy, served, port, intent, gaps))
                yield built(made, gaps, served.destination.origins, intent)


def _cluster(proxy: Proxy, served: Served, port: PortFacts, intent: MeshIntent) -> NativeObject:
    name = names.inbound(port.number)
    target = served.endpoint.ports.get(port.name) or (port.target if isinstance(port.target, int) else port.number)
    address = {"endpoint": {"address": socket(proxy.local, target)}}
    spec: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [address]}]},
    }
    if names.is_http(port):
        options = protocol(port)
        spec["typed_extension_protocol_options"] = {options["@type"].rpartition("/")[2]: options}
    return resource(intent, proxy, CLUSTER, name, spec, served.destination.origins)


def _virtual_host(proxy: Proxy, served: Served, port: PortFacts, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    name = names.inbound(port.number)
    route = {"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": "0s"}}
    spec = {"name": served.service.label, "domains": ["*"], "routes": [route]}
    return resource(intent, proxy, VIRTUAL_HOST, f"{name}~{served.service.label}", spec, served.destination.origins)
