"""What a mesh on one machine consists of, as Git describes it: the services behind its proxies, and where to ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.compile.named import home_of, is_here
from reconciler.model.clusters import ProxiesConnection
from reconciler.model.destinations import Destination, DestinationPort, Endpoint
from reconciler.model.documents import DesiredState
from reconciler.model.refs import TargetId

LOOPBACK = "127.0.0.1"
HTTP = ("HTTP", "HTTP2", "GRPC")


@dataclass(frozen=True, slots=True, order=True)
class LocalService:
    """A port of a workload: ``address`` and ``port`` lie behind its proxy; ``service`` is ``name.namespace``."""

    cluster: str
    service: str
    workload: str
    address: str
    port: int
    protocol: str  # HTTP | TCP
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class LocalGateway:
    """A gateway and the hosts that it lets in, each with its port."""

    cluster: str
    name: str
    address: str
    hosts: tuple[tuple[str, int], ...]


def services_of(desired: DesiredState) -> tuple[LocalService, ...]:
    """Every service of a cluster that is a folder of proxies."""
    return tuple(sorted({one for target in _targets(desired) for one in _services(target, desired)}))


def gateways_of(desired: DesiredState) -> tuple[LocalGateway, ...]:
    """Every gateway there; hosts are those of the Ingress documents that name it."""
    found = []
    for target in _targets(desired):
        view = desired.views[target]
        for gateway in desired.mesh(target).gateways:
            docs = [doc for doc in view.ingress if any(ref.name == gateway.name for ref in doc.gateways)]
            hosts = {(host, one.port) for doc in docs for one in doc.listeners for host in one.hosts or ("*",)}
            if gateway.addresses:
                found.append(LocalGateway(target.cluster, gateway.name, gateway.addresses[0], tuple(sorted(hosts))))
    return tuple(sorted(set(found)))


def folders_of(desired: DesiredState) -> Mapping[str, str]:
    """The folder of proxies of each cluster that is one."""
    connections = {name: one.connection for name, one in desired.clusters.items()}
    return {name: one.path for name, one in sorted(connections.items()) if isinstance(one, ProxiesConnection)}


def _targets(desired: DesiredState) -> list[TargetId]:
    return [target for target in desired.targets if target.cluster in folders_of(desired)]


def _services(target: TargetId, desired: DesiredState) -> Iterator[LocalService]:
    view = desired.views[target]
    for doc in view.destinations:
        if doc.in_mesh and is_here(doc, target, view):
            for endpoint in doc.endpoints:
                if endpoint.cluster in ("", target.cluster):
                    yield from (_service(doc, endpoint, port, target.cluster) for port in doc.ports)


def _service(doc: Destination, endpoint: Endpoint, port: DestinationPort, cluster: str) -> LocalService:
    return LocalService(
        cluster=cluster,
        service=f"{doc.ref.name}.{home_of(doc)}",
        workload=endpoint.proxy_name(doc.ref.name),
        address=endpoint.local_address or LOOPBACK,
        port=endpoint.ports.get(port.name) or port.target or port.number,
        protocol="HTTP" if port.protocol in HTTP else "TCP",
        labels=endpoint.labels,
    )
