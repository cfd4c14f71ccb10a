"""Which workloads an object is about: the whole mesh, a namespace, or some workloads in it."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.importing import Body, Scene
from reconciler.adapters.istio.meaning.names import labels_of, namespace_of


def workloads(body: Body, scene: Scene) -> list[Any]:
    """Items of ``workloads``. What lies at the root of the mesh's configuration is about all of it."""
    namespace, labels, made = namespace_of(body), labels_of(body), dict[str, Any]()
    if scene.only:
        made["clusters"] = [scene.only]
    if labels or namespace != (scene.mesh.root_namespace or scene.mesh.namespace):
        made["namespaces"] = [namespace]
    if labels:
        made["workloads"] = {"labels": {"matchLabels": dict(sorted(labels.items()))}}
    if not made:
        return [f"mesh/{scene.mesh_name}"]
    return [f"ns/{namespace}" if made.keys() == {"namespaces"} else made]
