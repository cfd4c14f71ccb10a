"""What the tests of the port share: kinds, bodies, and clusters of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from reconciler.io.clusters import open_cluster
from reconciler.model.clusters import ApiConnection, Cluster, ClusterLimits, SecretPlace
from reconciler.model.findings import NOWHERE
from reconciler.model.native import MANAGED_BY, MANAGED_BY_LABEL, ORIGIN_ANNOTATION, OWNER_LABEL, NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.ports import Cluster as ClusterPort

GROUP = "consul.hashicorp.com"


def _kind(kind: str, plural: str) -> NativeKind:
    return NativeKind(KindId(GROUP, kind), ("v1alpha1",), plural)


DEFAULTS = _kind("ServiceDefaults", "servicedefaults")
RESOLVER = _kind("ServiceResolver", "serviceresolvers")
SPLITTER = _kind("ServiceSplitter", "servicesplitters")
ROUTER = _kind("ServiceRouter", "servicerouters")
INTENTIONS = _kind("ServiceIntentions", "serviceintentions")
PROXY_DEFAULTS = _kind("ProxyDefaults", "proxydefaults")
MESH = _kind("Mesh", "meshes")
TOKENS = _kind("JWTProvider", "jwtproviders")
KINDS = (DEFAULTS, RESOLVER, SPLITTER, ROUTER, INTENTIONS, PROXY_DEFAULTS, MESH, TOKENS)
OURS = {MANAGED_BY_LABEL: MANAGED_BY, OWNER_LABEL: "shop"}


def key(kind: NativeKind, name: str) -> ObjectKey:
    return ObjectKey(GROUP, kind.kind.kind, "default", name)


def body(kind: NativeKind, name: str, spec: Mapping[str, Any], origin: str = "TrafficPolicy/shop/p") -> dict[str, Any]:
    """An object of ours."""
    metadata = {"name": name, "namespace": "default", "labels": OURS, "annotations": {ORIGIN_ANNOTATION: origin}}
    return {"apiVersion": f"{GROUP}/v1alpha1", "kind": kind.kind.kind, "metadata": metadata, "spec": dict(spec)}


@asynccontextmanager
async def opened(
    address: str, base: Path = Path(), token: Path | None = None, ca: Path | None = None, patience: float = 30.0
) -> AsyncIterator[ClusterPort]:
    connection = ApiConnection(
        "consul",
        address,
        token=SecretPlace(file=str(token)) if token else None,
        ca=SecretPlace(file=str(ca)) if ca else None,
    )
    cluster = open_cluster(Cluster("dc1", NOWHERE, connection, limits=ClusterLimits(timeout=patience)), base)
    try:
        yield cluster
    finally:
        await cluster.close()
