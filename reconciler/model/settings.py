"""The Reconciler document: how a repository is run, with its defaults where it is silent or absent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.notices import Notify
from reconciler.model.refs import KindId
from reconciler.model.rules import OnUnsupported
from reconciler.model.selectors import MeshSet


class Mode(StrEnum):
    REPORT = "Report"
    APPLY = "Apply"


@dataclass(frozen=True, slots=True)
class Suspend:
    reason: str
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class ModeOverride:
    mode: Mode
    meshes: MeshSet | None = None
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """What drift and apply leave alone. ``kind`` is a KindId or None for every kind; ``names`` are globs of
    ``namespace/name`` or ``name``; ``paths`` are dotted, with ``[*]`` for list items: ``spec.http[*].timeout``."""

    kind: KindId | None = None
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class AdoptRule:
    kind: KindId
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Limits:
    max_deletes: int = 20
    max_delete_percent: float = 30.0
    max_changed_percent: float = 100.0  # of what is ours on a target; 100 is no limit
    parallel_clusters: int = 8
    timeout: float = 60.0  # seconds to wait for one target's observation


@dataclass(frozen=True, slots=True)
class Settings:
    """The Reconciler document, with its defaults where it is silent or absent."""

    name: str = "main"
    position: Position = NOWHERE
    owner: str = "main"
    interval: float = 60.0  # seconds
    jitter: float = 0.0
    mode: Mode = Mode.REPORT
    overrides: tuple[ModeOverride, ...] = ()
    prune: bool = True
    self_heal: bool = True
    adopt_unowned: bool = False  # unowned: Adopt
    adopt: tuple[AdoptRule, ...] = ()
    replace_immutable: bool = False  # replace: Allow
    ignore: tuple[IgnoreRule, ...] = ()
    limits: Limits = Limits()
    protect: tuple[KindId, ...] = (
        KindId("", "Namespace"),
        KindId("apiextensions.k8s.io", "CustomResourceDefinition"),
    )
    strict: bool = False
    follow_rewrites: bool = False  # sources[0].onRewrite: Follow
    suspend: Suspend | None = None
    redact: tuple[str, ...] = ()
    notify: tuple[Notify, ...] = ()
    on_unsupported: OnUnsupported = OnUnsupported()
    health_wait: float = 5.0  # seconds that meshes have after writes, before a run ends
