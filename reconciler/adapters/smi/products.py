"""The products that speak SMI: what each is called, which versions of the kinds it serves where the cluster does not
say, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.adapters import envelopes
from reconciler.adapters.served import served_version
from reconciler.model.facts import ClusterFacts, MeshFacts
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.refs import ServiceRef

OSM = "osm"
TRAEFIK = "traefik-mesh"
NGINX = "nginx-service-mesh"
#: any that is not known by itself
PLAIN = ""
PROFILES = (PLAIN, OSM, TRAEFIK, NGINX)
PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class Product:
    """``versions`` by kind; ``ended``: what is to be told of it."""

    versions: Mapping[str, str]
    ended: str


_SPEC = "SMI itself was archived in October 2023 in favour of Gateway API"
PRODUCTS: Mapping[str, Product] = {
    PLAIN: Product({}, _SPEC),
    OSM: Product(
        {"TrafficSplit": "v1alpha2"}, f"Open Service Mesh was archived in 2023, its last release is 1.2.4, and {_SPEC}"
    ),
    TRAEFIK: Product(
        {"TrafficSplit": "v1alpha3", "HTTPRouteGroup": "v1alpha3", "TCPRoute": "v1alpha3", "TrafficTarget": "v1alpha2"},
        f"Traefik Mesh has had no release since 1.4.8 of August 2022, and {_SPEC}",
    ),
    NGINX: Product(
        {"TrafficSplit": "v1alpha3", "HTTPRouteGroup": "v1alpha3", "TCPRoute": "v1alpha3", "TrafficTarget": "v1alpha2"},
        f"NGINX Service Mesh was archived, its last release is 2.0.0 of April 2023, and {_SPEC}",
    ),
}


def product_of(intent: MeshIntent) -> str:
    return of_mesh(intent.mesh)


def profile(mesh: MeshFacts, _cluster: ClusterFacts, _service: ServiceRef | None) -> str:
    """All services of a mesh are served by the one product."""
    return of_mesh(mesh)


def of_mesh(mesh: MeshFacts) -> str:
    """The product that a mesh is."""
    found = mesh.settings.get(PRODUCT, PLAIN)
    return found if found in PRODUCTS else PLAIN


def version_of(kind: NativeKind, intent: MeshIntent) -> str:
    """The version that the cluster serves of a kind, or that the product has where the cluster does not say."""
    own = PRODUCTS[product_of(intent)].versions.get(kind.kind.kind)
    return own if own and intent.cluster.crds is None else served_version(kind, intent.cluster.crds)


def build(
    intent: MeshIntent, kind: NativeKind, namespace: str, name: str, spec: Mapping[str, Any], origins: Iterable[Origin]
) -> NativeObject:
    """The object of a kind in that version."""
    made = envelopes.build(intent, kind, namespace, name, spec, origins)
    return replace(made, body={**made.body, "apiVersion": kind.api_version(version_of(kind, intent))})
