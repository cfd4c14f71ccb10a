"""Desired states to native objects: this revision's and those last applied, against the same facts."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.compile import Before, compile_again, compile_state
from reconciler.model.documents import DesiredState
from reconciler.model.facts import Facts
from reconciler.model.findings import Position
from reconciler.model.intents import Hold
from reconciler.model.native import Compiled, NativeObject
from reconciler.model.refs import TargetId
from reconciler.pipeline.prepare import Prepared
from reconciler.pipeline.world import World
from reconciler.ports import SourceError


@dataclass(frozen=True)
class Compilation:
    compiled: Compiled
    previous: dict[TargetId, tuple[NativeObject, ...]]


async def compile_all(world: World, prepared: Prepared, desired: DesiredState, facts: Facts) -> Compilation:
    """This revision compiled, with the holds of broken documents; and per target what was applied last."""
    now = world.now()
    compiled = await compile_with_ages(world, desired, facts, now)
    compiled = replace(compiled, holds=compiled.holds + broken_holds(desired, prepared))
    return Compilation(compiled, await _previous(world, prepared, desired, facts, compiled, now))


async def compile_with_ages(world: World, desired: DesiredState, facts: Facts, now: datetime) -> Compiled:
    """Compile; when the age of a value decides between policies, look the ages up and compile again."""
    if known := world.kept.compiled(desired, facts, now):
        return known
    # in a thread of its own: what is read of the clusters meanwhile, leases and signals do not wait for it
    compiled = await asyncio.to_thread(_compiled, world, desired, facts, now)
    if compiled.ties:  # not kept: a history that is fetched deeper may tell more the next time
        ages = await asyncio.to_thread(_ages, world, desired.revision, compiled.ties)
        return compile_state(desired, facts, world.adapters, now, ages)
    world.kept.keep(Before(desired, facts, world.adapters, now, compiled))
    return compiled


def _compiled(world: World, desired: DesiredState, facts: Facts, now: datetime) -> Compiled:
    before = world.kept.before
    if before is not None:
        return compile_again(before, desired, facts, world.adapters, now)
    return compile_state(desired, facts, world.adapters, now)


def _ages(world: World, revision: str, places: tuple[Position, ...]) -> dict[Position, int]:
    """For each place the number of the first-parent commit since which its line has held; 0 is the oldest."""
    by_path: dict[str, list[Position]] = defaultdict(list)
    for place in places:
        by_path[place.path].append(place)
    ages: dict[Position, int] = {}
    try:
        order = {commit.sha: number for number, commit in enumerate(reversed(world.source.log("", revision)))}
        for path, found in sorted(by_path.items()):
            lines = world.source.line_commits(revision, path)
            for place in found:
                sha = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
                ages[place] = order.get(sha, len(order))
    except SourceError:
        return ages  # without history the names decide; compile says so in the conflict
    return ages


def broken_holds(desired: DesiredState, prepared: Prepared) -> tuple[Hold, ...]:
    """For each broken file, the documents that stood in it when it was last applied: they freeze what they made."""
    holds = []
    for broken in desired.broken:
        for earlier in prepared.earlier.values():
            for ref, position in sorted(earlier.documents.items()):
                if position.path == broken.path and ref not in desired.documents:
                    holds.append(Hold(ref, None, f"{broken.path} is broken: {broken.finding}"))
    return tuple(dict.fromkeys(holds))


async def _previous(
    world: World, prepared: Prepared, desired: DesiredState, facts: Facts, compiled: Compiled, now: datetime
) -> dict[TargetId, tuple[NativeObject, ...]]:
    by_revision = {desired.revision: compiled}
    previous = {}
    for target, applied in prepared.applied.items():
        if applied.revision not in by_revision:
            earlier = prepared.earlier.get(applied.revision)
            if earlier is None:
                continue
            by_revision[applied.revision] = await compile_with_ages(world, earlier, facts, now)
        natives = by_revision[applied.revision].objects.get(target, ())
        previous[target] = tuple(native for native in natives if native.key not in applied.missing)
    return previous
