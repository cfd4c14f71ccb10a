"""A repository for objects that belong to none: one cluster with one mesh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.commits import Commit, SourceTree
from reconciler.model.refs import API_VERSION, TargetId
from reconciler.report.document_yaml import documents_yaml

CLUSTER, MESH = "imported", "mesh"


def scaffold(mesh_type: str, connection: Mapping[str, Any]) -> tuple[SourceTree, TargetId]:
    def document(kind: str, name: str, spec: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        return "", {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}

    text = documents_yaml(
        [
            document("Cluster", CLUSTER, {"connection": connection}),
            document("Mesh", MESH, {"type": mesh_type, "clusters": [CLUSTER]}),
        ]
    )
    tree = SourceTree(Commit("worktree"), {"desired-state/clusters.yaml": text.encode()})
    return tree, TargetId(CLUSTER, MESH)
