"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import (
    Body,
    Draft,
    Imported,
    Reader,
    Scene,
    Unsayable,
    contested,
    proposed,
    reader_of,
)
from reconciler.adapters.kuma.importing.arriving import fault, limit, mode, permission
from reconciler.adapters.kuma.importing.outgoing import balancing, breaker, health_check, retries, timeouts
from reconciler.adapters.kuma.importing.routes import reader
from reconciler.adapters.kuma.live import claims
from reconciler.adapters.kuma.objects import DEFAULT_MESH, EFFECT_LABEL, MESH_LABEL
from reconciler.adapters.leaves import section

_READERS: Mapping[str, Reader] = {
    "MeshTimeout": timeouts,
    "MeshRetry": retries,
    "MeshCircuitBreaker": breaker,
    "MeshLoadBalancingStrategy": balancing,
    "MeshHealthCheck": health_check,
    "MeshFaultInjection": fault,
    "MeshRateLimit": limit,
    "MeshTLS": mode,
    "MeshTrafficPermission": permission,
}


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    double, routes = contested(bodies, claims), reader(bodies)
    readers = {**_READERS, "MeshHTTPRoute": routes, "MeshTCPRoute": routes}

    def read(body: Body, scene: Scene) -> Draft | Iterable[Draft]:
        read_it = reader_of(readers, body)
        labels: Mapping[str, Any] = section(section(body, "metadata"), "labels")
        if labels.get(MESH_LABEL, DEFAULT_MESH) != (scene.mesh.revision or DEFAULT_MESH):
            raise Unsayable(f"it is of the mesh {labels[MESH_LABEL]}")
        if labels.get(EFFECT_LABEL) == "shadow":
            raise Unsayable("it is tried out only, and has no effect on proxies")
        if found := double(body):
            raise Unsayable(f"another object is about {found}, too, and the mesh makes one of both")
        return read_it(body, scene)

    return proposed(bodies, read, scene)
