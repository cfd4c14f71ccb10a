"""Native objects: what a policy becomes on one target, before any cluster is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.findings import Finding, Position
from reconciler.model.intents import Hold, Origin
from reconciler.model.refs import KindId, ObjectKey, ServiceRef, TargetId

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "mesh-reconciler"
OWNER_LABEL = "reconciler.dev/owner"
MESH_LABEL = "reconciler.dev/mesh"
ORIGIN_ANNOTATION = "reconciler.dev/origin"
COMMIT_ANNOTATION = "reconciler.dev/commit"
EVENT_ANNOTATION = "reconciler.dev/event"  # id of the audit event of the last write
SOURCE_ANNOTATION = "reconciler.dev/source"
#: on a lent object: which of its labels and annotations are ours. Owner and mesh are annotations there, too: labels of
#: somebody else's object may select it for what its owner does
KEYS_ANNOTATION = "reconciler.dev/keys"
#: on a Service that stands for a subset, for meshes that know no parts of a service: the name of that service
SUBSET_LABEL = "reconciler.dev/subset-of"
PART_ANNOTATION = "reconciler.dev/part"
#: of objects that make up a control plane: they go only when that is to go
INSTALL_PART = "install"
FIELD_MANAGER = "mesh-reconciler"


@dataclass(frozen=True, slots=True, order=True)
class Beside:
    """Objects of a kind that have a label (``key``, ``value``)."""

    kind: KindId
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class NativeKind:
    """A kind that we read or write. ``versions`` in order of preference; ``exclusive``: the whole spec is ours,
    else only the fields that we set. Lower waves are applied first and pruned last. ``lent``: adapters write to objects
    of others only, so that nobody needs the right to create or delete one. ``beside``: of one that is only looked at,
    what has to lie in a namespace for it to be looked at there; none: it is looked at everywhere. ``parts``: of one
    that others write to, too, the fields of its spec that are ours: it is not removed unasked with more than these."""

    kind: KindId
    versions: tuple[str, ...]
    plural: str
    namespaced: bool = True
    wave: int = 50
    exclusive: bool = True
    lent: bool = False
    beside: tuple[Beside, ...] = ()
    parts: tuple[str, ...] = ()

    def api_version(self, version: str) -> str:
        return f"{self.kind.group}/{version}" if self.kind.group else version


@dataclass(frozen=True, slots=True)
class NativeObject:
    """``body`` holds apiVersion, kind, metadata.name (and namespace) and content; labels and annotations of
    ownership are added by ``reconciler.plan.stamp``. Sorted origins. ``sealed``: what another object needs in order
    to hold, so that native patches of policies, which are about that one, leave it as it is. ``lent``: somebody else's
    object, of which the labels and annotations in ``body`` are ours and nothing else: it is never created and never
    deleted."""

    key: ObjectKey
    kind: NativeKind
    body: Mapping[str, Any]
    origins: tuple[Origin, ...]
    sealed: bool = False
    lent: bool = False

    @property
    def api_version(self) -> str:
        return str(self.body["apiVersion"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one capability that a policy asks, on one target, for some of its destinations there.

    ``action``: Applied | Degraded (left out) | Refused. ``side``: client or server, where the mesh enforces it;
    ``via``: by what. ``destinations`` empty: everything that the policy is about there.
    """

    target: TargetId
    policy: str
    capability: str
    level: str  # Native | Emulated | Partial | None
    action: str
    note: str = ""
    side: str = ""
    via: str = ""
    destinations: tuple[ServiceRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """The native objects of one revision for every target that could be compiled, sorted by key.

    ``ties`` are places whose age decides between two policies and was not known: when it is not empty, look
    the ages up and compile again with them. ``rejected``: a policy that must not be left out anywhere could not be
    applied somewhere (onUnsupported: Fail), so nothing of this revision is to be written.
    """

    revision: str
    objects: Mapping[TargetId, tuple[NativeObject, ...]] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    ties: tuple[Position, ...] = ()
    rejected: tuple[Finding, ...] = ()
