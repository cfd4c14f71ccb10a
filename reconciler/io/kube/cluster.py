"""A Kubernetes cluster as ``reconciler.ports.Cluster``: credentials, transport, reading and writing put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.io.kube.access import Access
from reconciler.io.kube.discovery import Discovery
from reconciler.io.kube.lists import Lists
from reconciler.io.kube.plain_config import plain_access
from reconciler.io.kube.reading import Reader
from reconciler.io.kube.rights import missing_rights
from reconciler.io.kube.transport import Transport
from reconciler.io.kube.writing import Writer
from reconciler.model.clusters import ClusterLimits, InClusterConnection, KubeconfigConnection
from reconciler.model.live import LiveObject, Prediction
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.model.rights import Right
from reconciler.ports import Inspection, Listing, Schemas, Written


class KubeCluster:
    """Nothing is read or connected before the first call. Belongs to one event loop; ``close`` it there."""

    def __init__(
        self, name: str, connection: KubeconfigConnection | InClusterConnection, limits: ClusterLimits | None = None
    ) -> None:
        async def load() -> Access:
            return await _access(connection)

        self._name = name
        self._transport = Transport(load, limits or ClusterLimits())
        self._discovery = Discovery(self._transport)
        self._lists = Lists(self._transport)
        self._reader = Reader(name, self._transport, self._discovery, self._lists)
        self._writer = Writer(self._transport, self._discovery, self._reader, self._lists)

    @property
    def name(self) -> str:
        return self._name

    async def inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        return await self._reader.inspect(kinds)

    async def pods(self, selector: str) -> Sequence[Mapping[str, Any]]:
        return await self._reader.pods(selector)

    async def schemas(self, kinds: Sequence[NativeKind]) -> Schemas:
        return await self._reader.schemas(kinds)

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        return await self._reader.list_objects(kinds)

    async def read(self, key: ObjectKey, kind: NativeKind) -> LiveObject | None:
        return await self._reader.read(key, kind)

    async def predict(self, body: Mapping[str, Any], kind: NativeKind) -> Prediction:
        return await self._writer.predict(body, kind)

    async def apply(self, body: Mapping[str, Any], kind: NativeKind, *, force: bool) -> Written:
        return await self._writer.apply(body, kind, force=force)

    async def remove_fields(self, key: ObjectKey, kind: NativeKind, pointers: Sequence[str], rv: str) -> Written:
        return await self._writer.remove_fields(key, kind, pointers, rv)

    async def delete(self, key: ObjectKey, kind: NativeKind, uid: str, rv: str) -> None:
        await self._writer.delete(key, kind, uid, rv)

    async def probe(self) -> None:
        await self._discovery.server_version()

    async def missing_rights(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        return await missing_rights(self._transport, rights)

    def stay(self) -> None:
        self._lists.stay()

    async def close(self) -> None:
        await self._lists.close()
        await self._transport.close()


async def _access(connection: KubeconfigConnection | InClusterConnection) -> Access:
    """The client library takes long to import, and most kubeconfigs can do without it."""
    if not isinstance(connection, KubeconfigConnection):
        from reconciler.io.kube import pod

        return pod.load()
    if (plain := plain_access(connection)) is not None:
        return plain
    from reconciler.io.kube import kubeconfig

    return await kubeconfig.load(connection)
