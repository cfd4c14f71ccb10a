"""What becomes of the policies in force when their services move from one mesh to another, and the steps there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.refs import ObjectKey, ServiceRef, TargetId


class Fate(StrEnum):
    """Of one capability of one policy, what stops a move first."""

    BLOCKED = "blocked"  # the policy is applied now, and would be refused there
    UNSELECTED = "not selected"  # the policy does not choose the new mesh at all
    LOST = "lost"  # left out there
    PARTLY = "partly"
    EMULATED = "emulated"
    KEPT = "kept"
    GAINED = "gained"  # it is asked for, and only the new mesh does it
    LACKING = "lacking"  # neither does it


@dataclass(frozen=True, slots=True)
class Row:
    """``before`` and ``after``: level and mechanism on each mesh, or why not. ``services`` none: everything that the
    policy is about. ``clusters``: where it is so."""

    policy: str
    capability: str
    fate: Fate
    before: str
    after: str
    services: tuple[ServiceRef, ...] = ()
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreign:
    """An object of the old mesh that is not from Git: nothing says what is to become of it."""

    cluster: str
    key: ObjectKey


@dataclass(frozen=True, slots=True)
class Stage:
    """One commit, or what is to be done by hand between two. ``files``: their content by path, None for one that goes.
    ``check``: by what one sees that it is done; ``back``: how it is undone."""

    title: str
    words: tuple[str, ...]
    files: Mapping[str, str | None] = field(default_factory=dict)
    check: str = ""
    back: str = ""


@dataclass(frozen=True, slots=True)
class Migration:
    """``pairs``: by cluster, the old and the new target. ``unread``: clusters whose objects could not be looked at, and
    why. ``problems``: what else is in the way, worded."""

    old: str
    new: str
    pairs: tuple[tuple[TargetId, TargetId], ...]
    rows: tuple[Row, ...]
    stages: tuple[Stage, ...]
    foreign: tuple[Foreign, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def blocked(self) -> bool:
        return bool(self.problems) or any(row.fate in (Fate.BLOCKED, Fate.UNSELECTED) for row in self.rows)
