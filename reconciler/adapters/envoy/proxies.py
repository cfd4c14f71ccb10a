"""Who gets configuration: the proxies beside the workloads that Destination documents describe, and the gateways."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import Endpoint
from reconciler.model.facts import GatewayFacts
from reconciler.model.findings import NOWHERE
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.routing import TrafficSource

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Served:
    """A service that a proxy stands before, as one of its endpoints."""

    destination: DestinationIntent
    endpoint: Endpoint

    @property
    def service(self) -> ServiceRef:
        return self.destination.service


@dataclass(frozen=True, slots=True)
class Proxy:
    """``address``: where others reach it; ``local``: where its own service listens and calls it, and where its
    administration is. ``gateway``: it lets others in, and no service is behind it alone."""

    namespace: str
    name: str
    account: str
    address: str
    local: str
    labels: Mapping[str, str]
    origins: tuple[Origin, ...]
    served: tuple[Served, ...] = ()
    gateway: GatewayFacts | None = field(default=None)

    def is_among(self, sources: tuple[TrafficSource, ...]) -> bool:
        """Whether it is one of these callers; no sources mean everybody."""
        return not sources or any(
            source.namespace in ("", self.namespace) and set(source.labels) <= set(self.labels.items())
            for source in sources
        )


def proxies_of(intent: MeshIntent) -> tuple[Proxy, ...]:
    """By namespace and name."""
    found = {(one.namespace, one.name): one for one in _gateways(intent)}
    for one in sidecars_of(intent):
        before = found.get((one.namespace, one.name))
        found[one.namespace, one.name] = _both(before, one) if before else one
    return tuple(found[key] for key in sorted(found))


def _both(first: Proxy, second: Proxy) -> Proxy:
    origins = tuple(sorted({*first.origins, *second.origins}))
    return replace(first, served=(*first.served, *second.served), origins=origins)


def sidecars_of(intent: MeshIntent) -> Iterator[Proxy]:
    labels = {(one.namespace, one.name): one.labels for one in intent.cluster.workloads}
    for destination in (one for one in intent.destinations if not one.external):
        for endpoint in destination.endpoints:
            account, service = endpoint.account, destination.service
            namespace, name = account.namespace if account else service.namespace, endpoint.proxy_name(service.name)
            yield Proxy(
                namespace=namespace,
                name=name,
                account=account.name if account else "default",
                address=endpoint.address,
                local=endpoint.local_address or LOOPBACK,
                labels=labels.get((namespace, name), endpoint.labels),
                origins=destination.origins,
                served=(Served(destination, endpoint),),
            )


def _gateways(intent: MeshIntent) -> Iterator[Proxy]:
    mesh = Origin(DocRef("Mesh", "default", intent.target.mesh), NOWHERE)
    for one in (one for one in intent.mesh.gateways if one.addresses):
        address = one.addresses[0]
        local = address if is_loopback(address) else LOOPBACK
        yield Proxy(one.namespace, one.name, one.name, address, local, one.labels, (mesh,), gateway=one)


def is_address(host: str) -> bool:
    """Whether it has to be looked up by nobody."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
