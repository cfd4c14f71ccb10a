"""Places that a proxy sends its numbers to. It reads of them when it is started, so where they are is said there, too:
for a service of the mesh by the cluster that the proxy reads later, so that one that moves needs no other start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.collectors import plain_cluster, spoken_over
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.proxies import Proxy, is_address
from reconciler.adapters.envoy.servers import cluster_of, service_named
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

SINKS = "telemetry.metrics.sinks"
_STATSD = "envoy.config.metrics.v3.StatsdSink"
_OTLP = "envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig"
_RESOURCE = "envoy.tracers.opentelemetry.resource_detectors.static_config"
_ATTRIBUTES = "envoy.extensions.tracers.opentelemetry.resource_detectors.v3.StaticConfigResourceDetectorConfig"
_AGGREGATE = "envoy.extensions.clusters.aggregate.v3.ClusterConfig"
Native = dict[str, Any]


@dataclass(slots=True)
class StatSinks:
    """``who``: what the proxy is called where it tells of itself; ``clusters``: what the sinks found so far need."""

    proxy: Proxy
    who: str
    intent: MeshIntent
    gaps: Gaps
    clusters: dict[str, Native]

    def of(self, leaves: Iterable[Leaf]) -> Iterator[Native]:
        for leaf in sorted(leaves, key=lambda one: (one.path, one.key)):
            if leaf.path == f"{SINKS}.statsd":
                yield self._statsd(leaf)
            elif leaf.path == f"{SINKS}.otlp":
                yield self._otlp(leaf)

    def _statsd(self, leaf: Leaf) -> Native:
        """Its numbers have no other mark of whose they are than the name."""
        place = self._connection(leaf) if _protocol(leaf) == "Tcp" else self._datagrams(leaf)
        prefix = f"envoy.{_one_part(self.proxy.namespace)}.{_one_part(self.proxy.name)}"
        return {"name": "envoy.stat_sinks.statsd", "typed_config": typed(_STATSD, **place, prefix=prefix)}

    def _datagrams(self, leaf: Leaf) -> Native:
        host, _, port = leaf.key.rpartition(":")
        if not is_address(host):
            told = f"datagrams go to an IP address, not to {host}"
            self.gaps.error("mesh-inexpressible", told, leaf, "name its IP address, or say protocol: Tcp")
            return {}
        place: Any = socket(host, int(port))["socket_address"]
        return {"address": {"socket_address": {**place, "protocol": "UDP"}}}

    def _connection(self, leaf: Leaf) -> Native:
        service = service_named(leaf.key, self.intent)
        if service is None:
            return {"tcp_cluster_name": self._plain(leaf, "tcp")}
        number = leaf.key.rpartition(":")[2]
        facts = self.intent.cluster.service(service.name, service.namespace)
        port = next((one for one in (facts.ports if facts else ()) if str(one.number) == number), None)
        if port is None:
            self.gaps.error("port-unknown", f"{service.label} has no port {number}, which {leaf.path} asks", leaf)
            return {}
        if names.is_http(port):
            told = f"port {number} of {service.label} takes requests, and statsd sends none"
            self.gaps.error("server-protocol", told, leaf, "declare its protocol: TCP")
        return {"tcp_cluster_name": self._in_the_mesh(names.upstream(service, int(number)))}

    def _otlp(self, leaf: Leaf) -> Native:
        """Collectors tell senders apart by who they are and which one of several."""
        if service_named(leaf.key, self.intent) is None:
            cluster, host = self._plain(leaf, "grpc"), leaf.key.rpartition(":")[0]
        else:
            cluster, host = cluster_of(leaf.key, leaf, self.intent, self.gaps, http2=True)
            cluster = self._in_the_mesh(cluster, spoken_over(http2=True))
        instance = f"{self.proxy.namespace}/{self.proxy.name}"
        attributes = typed(_ATTRIBUTES, attributes={"service.name": self.who, "service.instance.id": instance})
        config = typed(
            _OTLP,
            grpc_service={"envoy_grpc": {"cluster_name": cluster, "authority": host}},
            resource_detectors=[{"name": _RESOURCE, "typed_config": attributes}],
        )
        return {"name": "envoy.stat_sinks.open_telemetry", "typed_config": config}

    def _plain(self, leaf: Leaf, kind: str) -> str:
        spec = plain_cluster(f"sink.{kind}", leaf.key, self.gaps)
        spec |= spoken_over(http2=True) if kind == "grpc" else {}
        self.clusters[spec["name"]] = spec
        return str(spec["name"])

    def _in_the_mesh(self, cluster: str, spoken: Mapping[str, Any] | None = None) -> str:
        name = f"sink.{cluster}"
        self.clusters[name] = {
            "name": name,
            "connect_timeout": "5s",
            "lb_policy": "CLUSTER_PROVIDED",
            "cluster_type": {"name": "envoy.clusters.aggregate", "typed_config": typed(_AGGREGATE, clusters=[cluster])},
            **(spoken or {}),
        }
        return name


def _protocol(leaf: Leaf) -> str:
    return str(leaf.value.get("protocol", "Udp")) if isinstance(leaf.value, Mapping) else "Udp"


def _one_part(name: str) -> str:
    """A dot would end it."""
    return name.replace(".", "_")
