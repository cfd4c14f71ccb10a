"""What a pull request would do, told apart from what is so already: a value, from which its report is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.commits import Commit
from reconciler.model.findings import Finding
from reconciler.model.native import Verdict
from reconciler.model.plans import Action, Change, FieldChange, Plan
from reconciler.model.refs import TargetId


class AlertKind(StrEnum):
    """What whoever approves has to look at first, the gravest first."""

    ERROR = "error"  # Git says something that cannot be used
    UNREAD = "unread"  # a target could not be planned
    REJECTED = "rejected"  # nothing of the revision would be written
    GUARD = "guard"
    DELETE = "delete"
    REPLACE = "replace"
    LAST_ROUTE = "last-route"
    CUT_OFF = "cut-off"  # a default deny and no rule that allows a declared caller
    LEFT_ALONE = "left-alone"  # a cluster leaves Git, and its objects stay
    REFUSED = "refused"  # a mesh cannot do what is asked
    CONFLICT = "conflict"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file at a commit. ``changed``: the pull request writes it. ``document`` is for people."""

    path: str
    line: int
    commit: str
    document: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """``items`` are what it is about, for a list; ``places`` where it comes from."""

    kind: AlertKind
    text: str
    target: TargetId | None = None
    items: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One object, and those of its fields for one reason; none, where it is not about fields. ``note`` says what is
    special about it."""

    change: Change
    fields: tuple[FieldChange, ...] = ()
    places: tuple[Place, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class TargetReview:
    """``caused``: what this pull request changes. ``drift``: live differs from what was applied, whoever did it.
    ``waiting``: what the target branch asks for already and is not there.

    ``error``: why it could not be planned as it lives; what is caused is then told as between the two commits.
    ``guards`` and ``confirm`` are of the plan with live clusters where there is one.
    """

    target: TargetId
    caused: tuple[Reviewed, ...] = ()
    drift: tuple[Reviewed, ...] = ()
    waiting: tuple[Reviewed, ...] = ()
    mode: str = ""
    error: str = ""
    guards: tuple[str, ...] = ()
    confirm: str = ""

    def count(self, *actions: Action) -> int:
        return sum(1 for one in self.caused if one.change.action in actions)

    @property
    def withheld(self) -> int:
        return sum(1 for one in self.caused if one.change.withheld is not None)


@dataclass(frozen=True, slots=True, repr=False)
class Review:
    """``head`` and ``base``: what is compared; ``base`` is where the branch left the target branch, or the first
    parent of a merge (``merged``). ``live``: the clusters were read too. ``facts``: where what is known of the
    clusters comes from, for people.

    ``findings`` are new ones, ``earlier`` those that ``base`` has too. ``plan`` is the plan of ``head``: against what
    lives where clusters were read, else against ``base``. ``code``: the exit code. ``changed``: the lines of ``head``
    that the pull request writes, by path. Paths are those below ``folder`` of the repository.
    """

    head: Commit
    base: Commit
    live: bool
    at: datetime
    facts: str
    plan: Plan | None
    code: int
    targets: tuple[TargetReview, ...] = ()
    alerts: tuple[Alert, ...] = ()
    findings: tuple[Finding, ...] = ()
    earlier: tuple[Finding, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    merged: bool = False
    changed: Mapping[str, frozenset[int]] = field(default_factory=dict)
    folder: str = ""

    @property
    def fingerprint(self) -> str:
        return self.plan.fingerprint if self.plan else ""

    @property
    def drifted(self) -> int:
        return sum(len(target.drift) for target in self.targets)

    def caused(self, *actions: Action) -> int:
        return sum(target.count(*actions) for target in self.targets)
