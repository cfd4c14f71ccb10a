"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Body, Draft, Imported, Scene, Unsayable, claimed, drafted, key_of
from reconciler.adapters.kuma.importing.arriving import fault, limit, mode, permission
from reconciler.adapters.kuma.importing.outgoing import balancing, breaker, health_check, retries, timeouts
from reconciler.adapters.kuma.live import claims
from reconciler.adapters.kuma.objects import DEFAULT_MESH, MESH_LABEL
from reconciler.adapters.leaves import section
from reconciler.model.refs import ObjectKey

Reader = Callable[[Body, Scene], Draft]
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
    counts = Counter(claim for body in bodies for claim in claimed(claims, body))
    drafts: list[Draft] = []
    kept: dict[ObjectKey, str] = {}
    for body in bodies:
        try:
            drafts.append(drafted(lambda one, seen: _draft(one, counts, seen), body, scene))
        except Unsayable as reason:
            kept[key_of(body)] = str(reason)
    return Imported(tuple(drafts), kept)


def _draft(body: Body, counts: Mapping[str, int], scene: Scene) -> Draft:
    reader = _READERS.get(key_of(body).kind)
    if reader is None:
        raise Unsayable("no neutral document is made of this kind")
    labels: Mapping[str, Any] = section(section(body, "metadata"), "labels")
    if labels.get(MESH_LABEL, DEFAULT_MESH) != (scene.mesh.revision or DEFAULT_MESH):
        raise Unsayable(f"it is of the mesh {labels[MESH_LABEL]}")
    if doubles := [claim for claim in sorted(claimed(claims, body)) if counts[claim] > 1]:
        raise Unsayable(f"another object is about {doubles[0]}, too, and the mesh makes one of both")
    return reader(body, scene)
