"""From what a Cluster document says of its connection to the cluster itself."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model.clusters import (
    ApiConnection,
    AwsConnection,
    Cluster,
    DirectoryConnection,
    KubeconfigConnection,
    ProxiesConnection,
)
from reconciler.ports import Cluster as ClusterPort


def open_cluster(cluster: Cluster, base: Path) -> ClusterPort:
    """The cluster that a document describes; relative paths start at ``base``. Nothing is connected or read yet, so
    this raises nothing; close it in the event loop that used it."""
    connection = cluster.connection
    if isinstance(connection, DirectoryConnection):
        facts = _resolved(connection.facts, base) if connection.facts else None
        within = None if Path(connection.path).expanduser().is_absolute() else base
        return DirectoryCluster(cluster.name, _resolved(connection.path, base), facts, within)
    if isinstance(connection, ProxiesConnection):
        from reconciler.io.envoy.cluster import EnvoyCluster

        path = _resolved(connection.path, base)
        authority = _resolved(connection.authority, base) if connection.authority else path / ".authority"
        return EnvoyCluster(cluster.name, path, authority, timedelta(seconds=connection.lifetime))
    if isinstance(connection, AwsConnection):
        from reconciler.io.appmesh.cluster import AppMeshCluster

        return AppMeshCluster(cluster.name, connection, base, cluster.limits)
    if isinstance(connection, ApiConnection):
        return _by_api(cluster, connection, base)
    # the client library takes a second to import, and not every repository has such a cluster
    from reconciler.io.kube.cluster import KubeCluster

    if isinstance(connection, KubeconfigConnection) and connection.path:
        connection = KubeconfigConnection(str(_resolved(connection.path, base)), connection.context)
    return KubeCluster(cluster.name, connection, cluster.limits)


def _by_api(cluster: Cluster, connection: ApiConnection, base: Path) -> ClusterPort:
    """The loader takes no other names than those of a folder beside this module."""
    module = import_module(f"reconciler.io.{connection.api}.cluster")
    opened: ClusterPort = module.opened(cluster.name, connection, base, cluster.limits)
    return opened


def _resolved(path: str, base: Path) -> Path:
    return base / Path(path).expanduser()
