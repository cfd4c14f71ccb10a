"""What a plan is made under: settings, guards, who we are, what is selected; and who may write where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from reconciler.model.documents import DesiredState
from reconciler.model.membership import covers
from reconciler.model.native import NativeKind
from reconciler.model.plans import Change, TargetPlan
from reconciler.model.refs import DocRef, KindId, ObjectKey, TargetId
from reconciler.model.settings import IgnoreRule, Mode, Settings
from reconciler.plan.comparable import Normalize
from reconciler.plan.compare import Digests
from reconciler.plan.fights import Fights
from reconciler.plan.guards import GuardRules
from reconciler.plan.mask import Masking

Quiet = dict[TargetId, tuple["MadeFrom", TargetPlan]]


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """All that the plan of one target is made from: ``large`` is compared by identity, ``small`` by value."""

    large: tuple[object, ...]
    small: tuple[object, ...]

    def is_as(self, other: MadeFrom) -> bool:
        same = all(mine is its for mine, its in zip(self.large, other.large, strict=True))
        return same and self.small == other.small


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What of a target's adapter the plan needs: see ``reconciler.adapters.base.Adapter``."""

    normalize: Normalize
    claims: Callable[[Mapping[str, Any]], tuple[str, ...]]
    copy_of: Callable[[ObjectKey], str] = str
    rivals: frozenset[KindId] = frozenset()


@dataclass(frozen=True, slots=True)
class Selection:
    """``--limit``, ``--kind`` and ``--policy``; None or empty: no restriction. Kinds and policies are globs."""

    targets: frozenset[TargetId] | None = None
    kinds: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()

    def takes(self, change: Change) -> bool:
        kind = change.key.kind
        return (not self.kinds or any(fnmatchcase(kind.lower(), glob.lower()) for glob in self.kinds)) and (
            not self.policies or any(_names(origin.ref, glob) for origin in change.origins for glob in self.policies)
        )


def _names(ref: DocRef, glob: str) -> bool:
    return any(fnmatchcase(text, glob) for text in (ref.name, f"{ref.namespace}/{ref.name}", str(ref)))


@dataclass(frozen=True, slots=True)
class PlanRules:
    """``source`` is the identity of the repository; ``behaviours`` by mesh type; ``kinds`` all that were listed.

    ``digests``: hashes of what is asked, found before or to be found. ``quiet``: the last plan of each target on which
    nothing was to be done, with all that it was made from."""

    settings: Settings
    guards: GuardRules
    source: str
    now: datetime
    behaviours: Mapping[str, Behaviour]
    kinds: Mapping[KindId, NativeKind]
    selection: Selection = Selection()
    target_guards: Mapping[TargetId, GuardRules] = field(default_factory=dict)  # where a commit was applied before
    #: the ignore rules of the commit applied last
    ignored_before: Mapping[TargetId, tuple[IgnoreRule, ...]] = field(default_factory=dict)
    former_sources: frozenset[str] = frozenset()  # identities that the repository had before
    stale_clusters: frozenset[str] = frozenset()
    paused: Mapping[TargetId, str] = field(default_factory=dict)  # why, by whom, until when
    fights: Mapping[TargetId, Fights] = field(default_factory=dict)
    digests: Digests = field(default_factory=dict)
    quiet: Quiet = field(default_factory=dict)
    masking: Masking = field(default_factory=Masking)  # beside what the settings say
    rejected: str = ""  # why nothing of the revision may be written (onUnsupported: Fail)


def mode_of(target: TargetId, desired: DesiredState, settings: Settings) -> Mode:
    """The last matching override replaces the mode; of that and the cluster's own the more careful holds, and
    the most careful where its access is read only."""
    mode = settings.mode
    for override in settings.overrides:
        in_clusters = not override.clusters or target.cluster in override.clusters
        if in_clusters and target in desired.views and covers(override.meshes, target, desired.views[target]):
            mode = override.mode
    own = desired.clusters[target.cluster].mode if target.cluster in desired.clusters else None
    return Mode.REPORT if Mode.REPORT in (mode, own) or is_read_only(target, desired) else mode


def is_read_only(target: TargetId, desired: DesiredState) -> bool:
    """Whether its cluster is never written (``access: ReadOnly``)."""
    return target.cluster in desired.clusters and desired.clusters[target.cluster].read_only


def suspended(target: TargetId, desired: DesiredState, rules: PlanRules) -> str:
    """Why writes are stopped on a target, in Git or by hand, or ""."""
    if target in rules.paused:
        return rules.paused[target]
    candidates = [("the Reconciler", rules.settings.suspend)]
    if target.cluster in desired.clusters:
        candidates.append((f"cluster {target.cluster}", desired.clusters[target.cluster].suspend))
    if target in desired.views:
        candidates.append((f"mesh {target.mesh}", desired.mesh(target).suspend))
    for name, suspend in candidates:
        if suspend is not None and suspend.holds(rules.now):
            until = f" until {suspend.until.isoformat()}" if suspend.until else ""
            return f"{name} is suspended{until}: {suspend.reason}"
    return ""


def adoptable(key: ObjectKey, settings: Settings) -> bool:
    """Whether an object that nobody owns may be taken over."""
    return settings.adopt_unowned or any(
        (rule.kind, rule.namespace, rule.name) == (key.kind_id, key.namespace, key.name) for rule in settings.adopt
    )
