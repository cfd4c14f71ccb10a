"""What became of objects that were imported: values for reports, made by the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.findings import Finding
from reconciler.model.refs import DocRef, ObjectKey, TargetId


class Fate(StrEnum):
    NEUTRAL = "neutral"  # said in neutral documents alone
    NATIVE = "native"  # in neutral documents, one of them with a native patch
    OBJECT = "object"  # kept as it is, in an Extension document
    SKIPPED = "skipped"  # not taken over at all


class Back(StrEnum):
    """What compiling the documents gives, beside the object."""

    SAME = "same"  # that very object: adopting it only marks it as ours
    RESPELLED = "respelled"  # the object with the same meaning in another spelling, which adopting writes once
    RENAMED = "renamed"  # objects of other names that mean the same: the old one is to be removed after them
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Taken:
    """One object. ``reason``: why it is not neutral; ``becomes``: the names of the objects that stand in for it."""

    key: ObjectKey
    fate: Fate
    back: Back = Back.NOTHING
    documents: tuple[DocRef, ...] = ()
    path: str = ""
    reason: str = ""
    remarks: tuple[str, ...] = ()
    becomes: tuple[ObjectKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """``files`` by path, relative to the repository. ``findings``: what validating and compiling them says. ``unread``:
    why the objects of a kind could not be looked at."""

    target: TargetId
    taken: tuple[Taken, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
