"""What the tests of the port share: kinds, bodies, and clusters of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from reconciler.adapters.appmesh.kinds import KINDS as OF_ADAPTER
from reconciler.io.clusters import open_cluster
from reconciler.model.clusters import AwsConnection, Cluster, ClusterLimits, SecretPlace
from reconciler.model.findings import NOWHERE
from reconciler.model.native import MANAGED_BY, MANAGED_BY_LABEL, ORIGIN_ANNOTATION, OWNER_LABEL, NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.ports import Cluster as ClusterPort
from tests.aws.server import REGION

GROUP = "appmesh.k8s.aws"
KINDS: Mapping[str, NativeKind] = {kind.kind.kind: kind for kind in OF_ADAPTER if kind.kind.group == GROUP}
OURS = {MANAGED_BY_LABEL: MANAGED_BY, OWNER_LABEL: "shop"}
PORT = {"portMapping": {"port": 9080, "protocol": "http"}}


def key(kind: str, name: str) -> ObjectKey:
    return ObjectKey(GROUP, kind, "" if kind == "Mesh" else "shop", name)


def body(kind: str, name: str, spec: Mapping[str, Any], origin: str = "TrafficPolicy/default/p") -> dict[str, Any]:
    """An object of ours."""
    at = key(kind, name)
    place = {"namespace": at.namespace} if at.namespace else {}
    metadata = {"name": name, **place, "labels": OURS, "annotations": {ORIGIN_ANNOTATION: origin}}
    return {"apiVersion": f"{GROUP}/v1beta2", "kind": kind, "metadata": metadata, "spec": dict(spec)}


def route(name: str, priority: int, *targets: tuple[str, int], **match: Any) -> dict[str, Any]:
    """As the routes of a VirtualRouter have it."""
    action = {"weightedTargets": [{"virtualNodeRef": {"name": to}, "weight": weight} for to, weight in targets]}
    return {"name": name, "priority": priority, "httpRoute": {"match": match or {"prefix": "/"}, "action": action}}


@asynccontextmanager
async def opened(
    address: str, *, account: str = "", role: str = "", secret: SecretPlace | None = None, patience: float = 30.0
) -> AsyncIterator[ClusterPort]:
    connection = AwsConnection(REGION, account, role, secret, address)
    cluster = open_cluster(Cluster("aws", NOWHERE, connection, limits=ClusterLimits(timeout=patience)), Path())
    try:
        yield cluster
    finally:
        await cluster.close()
