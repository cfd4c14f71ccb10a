"""What is written for a host: its DestinationRule and its VirtualService, both or neither, since a route to a subset
that is not defined answers 503; and patches of proxies for what these cannot say."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.advice import advise_host
from reconciler.adapters.istio.destinations import destination_rule
from reconciler.adapters.istio.inbound import inbound_filter
from reconciler.adapters.istio.outbound import outbound_filter
from reconciler.adapters.istio.routes import virtual_service
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all hosts. A host with something that cannot be said has none."""
    for host in intent.hosts:
        gaps = Gaps()
        yield built(objects(host, intent, gaps), gaps, host.origins, intent, host.service)


def objects(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> tuple[NativeObject, ...]:
    """The objects of one host, with what cannot be said or will not do what was asked in ``gaps``."""
    advise_host(host, intent, gaps)
    routes = virtual_service(host, intent, gaps)
    made = (
        destination_rule(host, intent, gaps),
        routes,
        outbound_filter(host, routes, intent, gaps),
        inbound_filter(host, intent, gaps),
    )
    return tuple(native for native in made if native is not None)
