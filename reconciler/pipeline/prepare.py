"""From Git to a desired state: which revision holds, what it says, and what was applied before it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.load import load, select
from reconciler.model.commits import Commit, SourceTree
from reconciler.model.documents import DesiredState
from reconciler.model.findings import Finding, error, warning
from reconciler.model.refs import TargetId
from reconciler.model.settings import Settings
from reconciler.pipeline import state
from reconciler.pipeline.draft import read_at_once
from reconciler.pipeline.kept import Loaded
from reconciler.pipeline.world import Request, World
from reconciler.ports import SourceError, Values

CONFIRM_TRAILER = "reconciler-confirm"


@dataclass(frozen=True)
class Prepared:
    """``desired`` is None when nothing is usable; ``guarding`` are the settings of the last accepted commit;
    ``applied`` the last applied state per target; ``earlier`` the desired states of those revisions."""

    commit: Commit
    source: str
    desired: DesiredState | None
    guarding: Settings
    findings: tuple[Finding, ...] = ()
    selected: frozenset[TargetId] | None = None
    confirmed: frozenset[str] = frozenset()
    applied: Mapping[TargetId, state.Applied] = field(default_factory=dict)
    earlier: Mapping[str, DesiredState] = field(default_factory=dict)
    halted: bool = False


async def prepare(world: World, request: Request) -> Prepared:
    """Fetch, decide the revision, load it and what was applied before. SourceError when there is nothing at all
    to go by; mistakes of users are findings."""
    return await asyncio.to_thread(_prepare, world, request)


def _prepare(world: World, request: Request) -> Prepared:
    head, findings = _head(world, request)
    loaded = loaded_revision(world, head)
    _check_belonging(world, head, loaded.tree.identity)
    accepted = state.accepted_revision(world.store)
    history = _History(world)
    before = history.at(accepted)
    guarding = before.settings if before else None
    revision, halt = _halt(world, head, accepted, guarding, request)
    findings, halted = findings + halt, revision != head
    if revision != head:
        loaded = loaded_revision(world, revision)
    tree, desired = loaded.tree, loaded.desired
    findings += loaded.findings
    history.loaded[revision] = desired
    selected = None
    if desired is not None and request.limit:
        selected, found = select(request.limit, desired)
        findings += found
    world.kept.remembered = read_at_once(world.store, state.EACH)
    applied = _applied(world.kept.remembered, desired)
    return Prepared(
        commit=tree.commit,
        source=tree.identity,
        desired=desired,
        guarding=guarding or (desired.settings if desired else Settings()),
        findings=findings,
        selected=selected,
        confirmed=request.confirmed | confirmations(tree, halted=halted),
        applied=applied,
        earlier=history.several({sha for entry in applied.values() for sha in (entry.revision, entry.guards) if sha}),
        halted=halted,
    )


def loaded_revision(world: World, revision: str) -> Loaded:
    def fresh(revision: str) -> Loaded:
        tree = world.source.tree(revision)
        return Loaded(tree, *load(tree, tuple(world.adapters)))

    return world.kept.loaded(revision, fresh)


def _check_belonging(world: World, head: str, mine: str) -> None:
    """The state must be of this repository: what another one has applied says nothing about it."""
    identity, name = state.belongs_to(world.store)
    if identity and mine and mine != identity and not state.accepted_is(world.store, head):
        raise SourceError(
            f"this state belongs to another repository ({name}): give {world.source.name} a state of its own with"
            " --state; if its history was rewritten from the first commit on: reconciler accept --new-root REV"
        )


def _head(world: World, request: Request) -> tuple[str, tuple[Finding, ...]]:
    """The revision that is asked for; the last good one, with a finding, while the source is out of reach."""
    if request.revision:
        return request.revision, ()
    try:
        return world.source.fetch(), ()
    except SourceError as problem:
        last = world.source.last_known()
        if last is None:
            raise
        message = f"{world.source.name} cannot be read, the last good commit {last[:8]} holds: {problem}"
        return last, (warning("source-unreachable", message, hint="drift is still healed against it"),)


def _halt(
    world: World, head: str, accepted: str, guarding: Settings | None, request: Request
) -> tuple[str, tuple[Finding, ...]]:
    """The accepted revision instead of the head, when history was rewritten and nobody said that this is right."""
    if request.revision == "worktree":
        return head, _would_halt(world, accepted, guarding)
    if request.revision or not _rewritten(world, accepted, head, guarding):
        return head, ()
    return accepted, (error("history-rewritten", _how(head, accepted), hint=_way_out(head)),)


def _would_halt(world: World, accepted: str, guarding: Settings | None) -> tuple[Finding, ...]:
    """Files are planned as they lie; but what is committed there may not be applied."""
    try:
        head = world.source.fetch()
    except SourceError:
        return ()  # no Git, or no commit: then nothing was accepted from it either
    if not _rewritten(world, accepted, head, guarding):
        return ()
    message = f"{_how(head, accepted)}; an apply would hold to that one"
    return (warning("history-rewritten", message, hint=_way_out(head)),)


def _rewritten(world: World, accepted: str, head: str, guarding: Settings | None) -> bool:
    """Whether the head does not go on from the accepted commit, though nobody said that this is right."""
    if not accepted or head in (accepted, "worktree") or (guarding is not None and guarding.follow_rewrites):
        return False
    try:
        return not world.source.descends(accepted, head)
    except SourceError:
        return True  # the accepted commit is gone from the source: that too is a rewritten history


def _how(head: str, accepted: str) -> str:
    return f"history was rewritten: {head[:12]} does not descend from {accepted[:12]}, the last commit accepted"


def _way_out(head: str) -> str:
    return f"look at it, then: reconciler accept {head[:12]}"


@dataclass
class _History:
    """Desired states of revisions, each loaded once; None for one that cannot be read any more."""

    world: World
    loaded: dict[str, DesiredState | None] = field(default_factory=dict)

    def at(self, revision: str) -> DesiredState | None:
        if revision not in self.loaded:
            self.loaded[revision] = self._load(revision)
        return self.loaded[revision]

    def several(self, revisions: set[str]) -> dict[str, DesiredState]:
        return {revision: known for revision in sorted(revisions) if (known := self.at(revision)) is not None}

    def _load(self, revision: str) -> DesiredState | None:
        if not revision or revision == "worktree":
            return None
        try:
            return loaded_revision(self.world, revision).desired
        except SourceError:
            return None


def _applied(store: Values, desired: DesiredState | None) -> dict[TargetId, state.Applied]:
    known = {target: state.applied_to(store, target) for target in (desired.targets if desired else ())}
    gone = [TargetId(*key.removeprefix("applied/").split("/")) for key in store.keys("applied/")]
    known |= {target: state.applied_to(store, target) for target in gone if target not in known}
    return {target: entry for target, entry in known.items() if entry is not None}


def confirmations(tree: SourceTree, *, halted: bool = False) -> frozenset[str]:
    """Guard fingerprints that the head commit confirms by trailer."""
    if halted:
        return frozenset()
    values = tree.commit.trailers.get(CONFIRM_TRAILER, ())
    return frozenset(word for value in values for word in value.replace(",", " ").split())
