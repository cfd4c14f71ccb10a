"""Where proxies send logs, traces and numbers: services of the mesh by the cluster that a proxy has for them anyway,
and other places, in plain text, by clusters of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.envoy.scoped import telemetry_of
from reconciler.adapters.envoy.servers import cluster_of, outside_cluster, service_named
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf

_PROTOCOLS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
Native = dict[str, Any]


@dataclass(slots=True)
class Collectors:
    """Those that a scope asks for; ``clusters``: the specs of those that lie outside of the mesh, by name."""

    intent: MeshIntent
    gaps: Gaps
    clusters: dict[str, Native] = field(default_factory=dict)

    def grpc(self, address: str, leaf: Leaf) -> Native:
        """``GrpcService``."""
        name, host = self.cluster(address, leaf, http2=True)
        return {"envoy_grpc": {"cluster_name": name, "authority": host}}

    def cluster(self, address: str, leaf: Leaf, *, http2: bool = False) -> tuple[str, str]:
        """The cluster and the host of ``host:port``."""
        if service_named(address, self.intent) is not None:
            return cluster_of(address, leaf, self.intent, self.gaps, http2=http2)
        spec = plain_cluster(f"collector.{'grpc' if http2 else 'http'}", address, self.gaps) | spoken_over(http2=http2)
        self.clusters[spec["name"]] = spec
        return spec["name"], address.rpartition(":")[0]


def plain_cluster(kind: str, address: str, gaps: Gaps) -> Native:
    """That of ``host:port`` outside of the mesh, in plain text."""
    host, _, port = address.rpartition(":")
    return outside_cluster(f"{kind}.{host.strip('[]').replace(':', '-')}.{port}", f"http://{address}", gaps)


def spoken_over(*, http2: bool) -> Native:
    """What a cluster says of the version of HTTP that is spoken to it."""
    kind = "http2_protocol_options" if http2 else "http_protocol_options"
    options = typed(_PROTOCOLS, explicit_http_config={kind: {}})
    return {"typed_extension_protocol_options": {_PROTOCOLS: options}}


def collecting_services(proxy: Proxy, intent: MeshIntent) -> Iterator[ServiceRef]:
    """Services of the mesh that a proxy sends to of its own accord."""
    asked = telemetry_of(proxy, intent)
    for leaf in asked.leaves if asked else ():
        for address in (leaf.key, *_addresses(leaf.value)):
            if ":" in address and (found := service_named(address, intent)) is not None:
                yield found


def _addresses(value: Any) -> Iterator[str]:
    """Of a provider, which is a leaf or a mapping of one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _addresses(item)
