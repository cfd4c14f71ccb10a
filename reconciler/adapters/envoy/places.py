"""Workloads that cannot stand where Git says: two of one name, two at one place, one where its own proxy listens.

A system lets two proxies listen at one place, and each then gets some of the other's calls. The first service by name
holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.adapters.built import Built, built
from reconciler.adapters.envoy.bootstrap import ADMIN_PORT
from reconciler.adapters.envoy.listeners import OUTBOUND_PORT
from reconciler.adapters.envoy.proxies import Proxy, is_loopback, proxies_of, sidecars_of
from reconciler.adapters.gaps import Gaps
from reconciler.model.facts import PortFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef

#: the machine, where the address says nothing of it; the address; the port
Place = tuple[str, str, int]
_TWICE, _TAKEN = "object-duplicate", "port-taken"


@dataclass(frozen=True, slots=True)
class Standing:
    """A proxy before one port or more of one service."""

    proxy: Proxy
    service: ServiceRef
    ports: tuple[PortFacts, ...]

    @property
    def name(self) -> str:
        return f"{self.proxy.namespace}/{self.proxy.name}"

    @property
    def own(self) -> dict[Place, str]:
        """Where the proxy listens whatever it stands before."""
        places = {OUTBOUND_PORT: "the calls that {} makes", ADMIN_PORT: "the administration of {}"}
        return {_at(self.proxy, self.proxy.local, port): told.format(self.name) for port, told in places.items()}

    @property
    def arriving(self) -> dict[Place, str]:
        told = f"the calls that {self.name} takes for {self.service.label}"
        return {_at(self.proxy, self.proxy.address, port.number): told for port in self.ports}

    @property
    def behind(self) -> dict[Place, str]:
        """Where the service itself listens."""
        endpoint, told = self.proxy.served[0].endpoint, f"{self.service.label} behind {self.name}"
        numbers = (endpoint.ports.get(one.name) or one.target or one.number for one in self.ports)
        return {_at(self.proxy, self.proxy.local, int(number)): told for number in numbers}


@dataclass
class _Held:
    proxies: dict[str, Proxy] = field(default_factory=dict)
    services: set[tuple[str, ServiceRef]] = field(default_factory=set)
    listening: dict[Place, str] = field(default_factory=dict)
    arriving: dict[Place, str] = field(default_factory=dict)  # whose
    behind: dict[Place, str] = field(default_factory=dict)

    def wrong(self, one: Standing) -> Iterator[tuple[str, str]]:
        """Codes and words. Two services with one port of one proxy are objects of one name, which is told elsewhere."""
        known = self.proxies.get(one.name)
        if known is not None and _itself(known) != _itself(one.proxy):
            yield _TWICE, f"there is a proxy {one.name} already, with another address or account"
        elif (one.name, one.service) in self.services:
            yield _TWICE, f"{one.service.label} has two workloads that are called {one.name}"
        else:
            own = one.own if known is None else {}
            taken = self.listening | self.behind
            yield from _clashes(own, taken)
            others = [place for place in one.arriving if self.arriving.get(place) != one.name]
            yield from _clashes({place: one.arriving[place] for place in others}, {**taken, **own})
            yield from _clashes(one.behind, {**self.listening, **own, **one.arriving})

    def take(self, one: Standing) -> None:
        self.proxies.setdefault(one.name, one.proxy)
        self.services.add((one.name, one.service))
        self.listening |= {**one.own, **one.arriving}
        self.arriving |= dict.fromkeys(one.arriving, one.name)
        self.behind |= one.behind


def emit(intent: MeshIntent) -> Iterator[Built]:
    """No objects, only what is wrong: told, not held, since a proxy that is gone would lose what others gave it."""
    held = _Held()
    for gateway in (one for one in proxies_of(intent) if one.gateway):
        held.proxies[f"{gateway.namespace}/{gateway.name}"] = gateway
    found = sorted(sidecars_of(intent), key=lambda one: (one.served[0].service.label, one.name))
    for proxy in found:
        service, gaps = proxy.served[0].service, Gaps()
        facts = intent.cluster.service(service.name, service.namespace)
        standing = Standing(proxy, service, facts.ports if facts else ())
        wrong = list(held.wrong(standing))
        for code, words in wrong:
            gaps.warning(code, words, hint="give each workload a name and addresses of its own")
        if not wrong:
            held.take(standing)
        yield built((), gaps, proxy.origins, intent, service)


def _clashes(wanted: dict[Place, str], taken: dict[Place, str]) -> Iterator[tuple[str, str]]:
    for place, who in wanted.items():
        if place in taken:
            yield _TAKEN, f"port {place[2]} at {place[1]} cannot be for {who}: it is for {taken[place]}"


def _at(proxy: Proxy, address: str, port: int) -> Place:
    """Each machine has a loopback of its own."""
    elsewhere = is_loopback(address) and not is_loopback(proxy.address)
    return (proxy.address if elsewhere else "", address, port)


def _itself(proxy: Proxy) -> tuple[str, str, str, bool]:
    return (proxy.address, proxy.local, proxy.account, proxy.gateway is not None)
