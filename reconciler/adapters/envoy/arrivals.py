"""Where calls arrive: a port of a service at one of its proxies; and which access policies are about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.proxies import Proxy, Served, proxies_of
from reconciler.model.access import AccessAction
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.intents import AccessIntent, HostIntent, MeshIntent
from reconciler.model.origins import Origin
from reconciler.model.refs import ServiceRef
from reconciler.model.selectors import Match


@dataclass(frozen=True, slots=True)
class Arrival:
    """``access``: what policies say of the service here, be it about this port or another one; ``host``: what they ask
    of requests."""

    proxy: Proxy
    served: Served
    facts: ServiceFacts
    port: PortFacts
    access: tuple[AccessIntent, ...]
    host: HostIntent | None

    @property
    def service(self) -> ServiceRef:
        return self.served.service

    @property
    def name(self) -> str:
        return names.inbound(self.port.number)

    @property
    def is_http(self) -> bool:
        return names.is_http(self.port)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Of all that is said where calls arrive."""
        routes = self.host.inbound if self.host else ()
        told = {origin for access in self.access for origin in access.origins}
        told |= {origin for route in routes for origin in route.origins}
        return tuple(sorted({*self.served.destination.origins, *told}))

    @property
    def allowing(self) -> tuple[AccessIntent, ...]:
        return tuple(one for one in self.access if one.action is AccessAction.ALLOW)

    def matches(self, access: AccessIntent) -> tuple[Match, ...]:
        """Which calls to this port a policy is about: one of these matches; none where it is about other ports."""
        ports = access.service_ports
        if ports and self.port.number not in ports:
            return ()
        given = access.service_matches or access.matches or (Match(),)
        return tuple(match for match in given if not match.ports or self.port.number in match.ports)

    def closed(self, intent: MeshIntent) -> bool:
        """Whether nobody may call whom no Allow names: an Allow for one port closes the other ones too. Under default
        deny all is closed but what gateways serve themselves."""
        return bool(self.allowing) or (intent.default_deny is not None and self.proxy.gateway is None)


def arrivals(intent: MeshIntent) -> Iterator[Arrival]:
    """By proxy, service and port."""
    for proxy in proxies_of(intent):
        for served in proxy.served:
            facts = intent.cluster.service(served.service.name, served.service.namespace)
            if facts is None:
                continue
            access = tuple(_access(served, facts, proxy, intent))
            host = next(iter(intent.hosts_by_name.get((served.service.name, served.service.namespace), ())), None)
            yield from (Arrival(proxy, served, facts, port, access, host) for port in facts.ports)


def _access(served: Served, facts: ServiceFacts, proxy: Proxy, intent: MeshIntent) -> Iterator[AccessIntent]:
    """Without those about a part of the service that this proxy is not in."""
    labels = {**proxy.labels, **served.endpoint.labels}.items()
    for one in intent.access_by_service.get(served.service, ()):
        wanted = {label for label in one.selector.items() if label not in facts.selector.items()}
        if not one.part or wanted <= labels:
            yield one
