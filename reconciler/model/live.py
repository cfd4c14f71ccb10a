"""What lives in the clusters: objects as read, who wrote which field, and predictions of writes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.facts import ClusterFacts
from reconciler.model.native import MESH_LABEL, OWNER_LABEL
from reconciler.model.refs import KindId, ObjectKey

#: openAPIV3Schema by kind and served version
Schemas = Mapping[tuple[KindId, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """One entry of managedFields. ``fields`` is fieldsV1 as read; ``time`` RFC 3339, empty if not known."""

    manager: str
    operation: str  # Apply | Update
    time: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LiveObject:
    """An object as one page of a list gave it. ``raw`` is its JSON, decoded only where a plan needs the body.

    ``managers``: who wrote to it, by managedFields; None where that was not read beforehand.
    """

    key: ObjectKey
    resource_version: str
    raw: bytes
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    managers: frozenset[str] | None = None

    def body(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.raw)
        return decoded

    @property
    def lent(self) -> bool:
        """Somebody else's object that carries keys of ours."""
        return OWNER_LABEL in self.annotations and OWNER_LABEL not in self.labels

    @property
    def owner(self) -> str:
        """Our owner id, or "" when the object does not carry our mark."""
        return (self.annotations if self.lent else self.labels).get(OWNER_LABEL, "")

    @property
    def mesh(self) -> str:
        """The mesh of our mark, or ""."""
        return (self.annotations if self.lent else self.labels).get(MESH_LABEL, "")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a server-side dry-run apply said: the body that would result, or the server's refusal in its words.

    ``immutable`` marks a refusal because of a field that cannot change. Without body and error: we may not ask.
    """

    body: Mapping[str, Any] | None
    error: str = ""
    retryable: bool = False
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Inspection:
    """What discovery reads of a cluster: facts of its own, and the raw objects in which adapters detect meshes.

    ``token`` is the very same value as that of the inspection before when nothing has changed since; None: not known.
    """

    facts: ClusterFacts
    objects: Collection[Mapping[str, Any]] = ()
    token: object = None


@dataclass(frozen=True, slots=True)
class Listing:
    """``unread`` maps a kind that could not be listed to the reason; ``absent`` are kinds not served. ``token``: as in
    Inspection."""

    objects: tuple[LiveObject, ...]
    unread: Mapping[KindId, str] = field(default_factory=dict)
    absent: frozenset[KindId] = frozenset()
    schemas: Schemas = field(default_factory=dict)
    token: object = None


@dataclass(frozen=True, slots=True)
class Written:
    """The object as the cluster returned it after a write (metadata.managedFields left out)."""

    resource_version: str
    body: Mapping[str, Any]
    created: bool = False


@dataclass(frozen=True, slots=True)
class LiveCluster:
    """One cluster as observed. ``unread`` names kinds that could not be listed and why: nothing is planned for
    them and nothing of them pruned. ``schemas`` are the cluster's own openAPIV3Schema by kind and version.
    ``proven`` holds, per object, the (desired hash, resourceVersion) last proven equal."""

    cluster: str
    objects: Mapping[ObjectKey, LiveObject] = field(default_factory=dict)
    unread: Mapping[KindId, str] = field(default_factory=dict)
    absent: frozenset[KindId] = frozenset()  # kinds that the cluster does not serve
    schemas: Schemas = field(default_factory=dict)
    predictions: Mapping[ObjectKey, Prediction] = field(default_factory=dict)
    proven: Mapping[ObjectKey, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LiveState:
    clusters: Mapping[str, LiveCluster] = field(default_factory=dict)
    unreachable: Mapping[str, str] = field(default_factory=dict)
