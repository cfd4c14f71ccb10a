"""Hosts outside that a mesh only lets callers get at, by the names and at the ports that these use: it answers for no
name of its own, and sees the name in a handshake of TLS or in a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject


def let_through(
    one: DestinationIntent, made: Iterable[NativeObject], gaps: Gaps, intent: MeshIntent
) -> Iterator[Built]:
    """What is made for a Destination; what keeps it from that holds for each of its hosts."""
    first, *others = (replace(one.service, host=host) for host in one.hosts)
    yield built(made, gaps, one.origins, intent, first)
    yield from (built((), gaps, one.origins, intent, service) for service in others if gaps.found)


def check_names(one: DestinationIntent, gaps: Gaps) -> None:
    """The mesh neither answers for a name nor changes a port."""
    if not one.external or one.resolution not in ("Dns", "Dynamic") or one.endpoints:
        told = f"the mesh answers for no names: {one.service.label} is where the names of callers say it is"
        gaps.error("mesh-inexpressible", told, hint="use resolution Dns or Dynamic without endpoints")
    if any(port.target not in (0, port.number) for port in one.ports):
        gaps.error("mesh-inexpressible", f"the mesh calls {one.service.label} on the port that callers use")


def check_ports(
    one: DestinationIntent,
    others: Iterable[DestinationIntent],
    ways: Mapping[str, str],
    clash: Callable[[str, str], bool],
    gaps: Gaps,
) -> None:
    """``ways``: how names are seen, by the protocol of a port. ``clash``: whether two cannot be on one port; ``others``
    are known to have a way on each of theirs."""
    called = one.service.label
    if not one.ports:
        gaps.error("mesh-inexpressible", f"the mesh wants the ports of {called}")
    for port in one.ports:
        way = ways.get(port.protocol)
        if way is None:
            told = f"port {port.number} of {called} speaks {port.protocol}, in which no proxy finds a name"
            gaps.error("mesh-inexpressible", told, hint="allow its addresses by an Extension")
            continue
        beside = ((other, its) for other in others for its in other.ports if its.number == port.number)
        if other := next((other for other, its in beside if clash(way, ways[its.protocol])), None):
            told = f"port {port.number} of {called} speaks {port.protocol}, and that of {other.service.label} otherwise"
            gaps.error("mesh-inexpressible", f"{told}: the mesh takes one of these on a port")
