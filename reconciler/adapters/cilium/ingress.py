"""Gateways of a class of the mesh, as Gateway API has them. The proxies of the nodes serve them, so that there are no
pods of a gateway; TCPRoutes are not taken."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.cilium.lacks import tell_lacks
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.standard.ingress import objects_of
from reconciler.adapters.standard.written import TCP_ROUTE
from reconciler.model.ingress_intents import GatewayIntent
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all Ingress documents. One with something that cannot be said has none."""
    for asked in intent.ingress:
        gaps = Gaps()
        yield built(_objects(asked, intent, gaps), gaps, asked.origins, intent)


def _objects(asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    for table in asked.tables:
        for route in table.routes:
            tell_lacks(route.leaves, gaps)
    made = objects_of(asked, intent, gaps)
    if any(native.key.kind == TCP_ROUTE.kind.kind for native in made):
        gaps.error("mesh-inexpressible", "the gateways of the mesh carry HTTP, and TLS by its name, but no other TCP")
    return made
