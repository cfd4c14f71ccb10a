"""A plan: what would change where, why, and what is withheld. A value; rendering and applying read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reconciler.model.findings import Finding
from reconciler.model.health import HEALTHY, Health, ObjectHealth
from reconciler.model.intents import Origin
from reconciler.model.native import NativeKind, Verdict
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.model.settings import Mode


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"  # an immutable field: delete and create anew
    PRUNE = "prune"
    KEEP = "keep"  # in sync, or frozen: nothing to write


class Cause(StrEnum):
    COMMIT = "commit"
    DRIFT = "drift"
    FACTS = "facts"
    ENGINE = "engine"


class Reason(StrEnum):
    """Why a change is withheld or an object is left as it is."""

    GUARD = "guard"
    PROTECTED = "protected"
    REPORT_MODE = "report-mode"
    READ_ONLY = "read-only"  # the cluster's access
    SUSPENDED = "suspended"
    SELF_HEAL_OFF = "self-heal-off"
    PRUNE_OFF = "prune-off"
    PARTIAL_VIEW = "partial-view"
    FROZEN = "frozen"
    UNOWNED = "unowned"
    FOREIGN_OWNER = "foreign-owner"
    KIND_ABSENT = "kind-absent"
    REFUSED = "refused"  # the server's dry-run said no
    IMMUTABLE = "immutable"
    FOREIGN_HOST = "foreign-host"
    NOT_SELECTED = "not-selected"
    RIGHTS_MISSING = "rights-missing"  # the account may not do all that the target needs
    FOUGHT = "fought"  # something else changed it back again and again
    ABSENT = "absent"  # it is somebody else's, and not there
    REJECTED = "rejected"  # a policy that may not be left out anywhere is refused somewhere


#: Reasons that need somebody's action; the rest is how the user asked to be served.
BLOCKING = frozenset(
    {
        Reason.GUARD,
        Reason.PROTECTED,
        Reason.FROZEN,
        Reason.REJECTED,
        Reason.UNOWNED,
        Reason.FOREIGN_OWNER,
        Reason.KIND_ABSENT,
        Reason.REFUSED,
        Reason.IMMUTABLE,
        Reason.FOREIGN_HOST,
        Reason.PARTIAL_VIEW,
        Reason.RIGHTS_MISSING,
        Reason.FOUGHT,
        Reason.ABSENT,
    }
)


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a live field, and when (RFC 3339), as the cluster knows it."""

    manager: str
    operation: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field. ``before`` or ``after`` is None with ``op`` add or remove. ``drift``: live differs from what
    the last applied commit asks; ``author`` then says who made it so. Values are masked where secret."""

    path: str
    op: str  # add | remove | change
    before: Any
    after: Any
    drift: bool = False
    author: Author | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One object on one target. ``desired`` is the stamped body to apply (None for prune).

    ``desired_hash`` identifies what is asked, whatever lives. ``foreign_paths`` are JSON pointers of fields to remove
    from an exclusive object before our apply; of a prune, those of others that would go with it.
    ``withheld`` is None when it may be written. ``lent``: of somebody else's object, which a prune only takes our keys
    off.
    """

    target: TargetId
    action: Action
    key: ObjectKey
    kind: NativeKind
    origins: tuple[Origin, ...] = ()
    causes: tuple[Cause, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    desired: Mapping[str, Any] | None = None
    before_hash: str = ""
    after_hash: str = ""
    desired_hash: str = ""
    resource_version: str = ""
    uid: str = ""
    adopt: bool = False
    foreign_paths: tuple[str, ...] = ()
    withheld: Reason | None = None
    why: str = ""  # the reason worded, with what to do
    lent: bool = False

    @property
    def drifted(self) -> bool:
        return any(field.drift for field in self.fields) or Cause.DRIFT in self.causes

    @property
    def pending(self) -> bool:
        """It differs from what is asked, whether or not it may be written."""
        return self.action is not Action.KEEP

    @property
    def writes(self) -> bool:
        return self.pending and self.withheld is None


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """``error``: why nothing can be planned here (unreachable, no adapter); changes are then empty. ``late``: because
    others do not wait for it any longer, and it goes on beside them.

    ``guard_fingerprint`` confirms all that guards withhold here; "" when they withhold nothing.
    ``read_only``: the cluster is never written, whatever the mode says elsewhere.
    ``proven`` maps objects to the (desired hash, resourceVersion) last proven equal, to be remembered. ``health`` has
    the objects that the mesh has not accepted, as last seen.
    """

    target: TargetId
    mode: Mode
    changes: tuple[Change, ...] = ()
    read_only: bool = False
    error: str = ""
    late: bool = False
    stale: bool = False
    guard_fingerprint: str = ""
    guards: tuple[str, ...] = ()
    suspended: str = ""
    proven: Mapping[ObjectKey, tuple[str, str]] = field(default_factory=dict)
    health: tuple[ObjectHealth, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """``fingerprint`` covers every pending change of every target: action, object, state before and after."""

    revision: str
    targets: tuple[TargetPlan, ...]
    findings: tuple[Finding, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    fingerprint: str = ""

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for target in self.targets for change in target.changes)


class Outcome(StrEnum):
    OK = "ok"
    CHANGED = "changed"
    PRUNED = "pruned"
    DRIFTED = "drifted"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What became of one change. ``after_hash`` is of the object as the cluster returned it, and so is ``health``."""

    change: Change
    outcome: Outcome
    message: str = ""
    duration: float = 0.0  # seconds
    after_hash: str = ""
    resource_version: str = ""
    event_id: str = ""
    health: Health = HEALTHY


@dataclass(frozen=True, slots=True)
class Recap:
    """The counts of one target at the end of a run, in Ansible's manner."""

    target: TargetId
    ok: int = 0
    changed: int = 0
    pruned: int = 0
    drifted: int = 0
    blocked: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    late: int = 0
    progressing: int = 0
    degraded: int = 0
    read_only: bool = False
