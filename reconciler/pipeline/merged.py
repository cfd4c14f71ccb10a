"""After the merge: whose pull request a commit came in by is told what became of it, until it has arrived everywhere.

What is still to be told is kept in the state; the forge is asked only when the head moves or something became of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.canonical import digest
from reconciler.model.refs import TargetId
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.posting import post_statuses, write_comment
from reconciler.pipeline.world import World
from reconciler.ports import SourceError, Store
from reconciler.ports.forge import Forge, ForgeError
from reconciler.report.applied_markdown import DONE, Arrival, applied_markdown, arrival_status, arrivals
from reconciler.report.review.marker import marker

KEY = "merged"
_SCOPE = "applied"
MOST_COMMITS = 50  # of one step of the head: of a branch that jumps farther, the newest
LONGEST_STORY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A merged pull request that has not arrived everywhere. ``told``: a digest of what it was told last."""

    number: int
    commit: str
    head: str
    url: str
    since: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class MergedReport:
    """``told``: numbers of the pull requests that were told something new; ``problems`` of the forge."""

    told: tuple[int, ...] = ()
    problems: tuple[ForgeError, ...] = ()


async def tell_merged(forge: Forge, world: World, run: Run, author: str = "") -> MergedReport:
    """Tell the pull requests that came in since the last time, and those that still wait, what this run did.
    ``author``: who we are on the forge, for a token that cannot ask.

    StoreError passes through; trouble of the forge is told, and tried again after the next run.
    """
    store = world.store
    head = run.planned.prepared.commit.sha
    if run.planned.plan is None or not head or run.beside:
        return MergedReport()
    seen, waiting = _known(store)
    problems: list[ForgeError] = []
    try:
        waiting = {**waiting, **await _came_in(forge, world, seen, head)}
        seen = head
    except ForgeError as problem:
        problems.append(problem)
    except SourceError:
        seen = head  # the history was rewritten: what came in before is not known
    found = _arrivals(run)
    told = []
    words = _digest(found)
    for one in list(waiting.values()):
        if one.told != words:
            troubles = await _tell(forge, one, found, run.id, author)
            problems += troubles
            told += [] if troubles else [one.number]
            waiting[one.number] = one if troubles else replace(one, told=words)
        arrived = all(each.became in DONE for each in found) and waiting[one.number].told == words
        if arrived or _is_old(one, world.now()):
            del waiting[one.number]
    _keep(store, seen, waiting)
    return MergedReport(tuple(told), tuple(problems))


async def _came_in(forge: Forge, world: World, seen: str, head: str) -> dict[int, Waiting]:
    """The pull requests of the commits since ``seen``, by number; at the first time none."""
    if not seen or seen == head:
        return {}
    commits, now = await asyncio.to_thread(world.source.log, seen, head), world.now()
    found: dict[int, Waiting] = {}
    for commit in reversed(commits[:MOST_COMMITS]):
        for pull in await forge.merged_in(commit.sha):
            found[pull.number] = Waiting(pull.number, commit.sha, pull.head, pull.url, now.isoformat())
    return found


def _arrivals(run: Run) -> tuple[Arrival, ...]:
    assert run.planned.plan is not None
    reasons: dict[TargetId, str] = {}
    for target in run.planned.plan.targets:
        withheld = next((change.why for change in target.changes if change.pending and change.withheld), "")
        degraded = next((one.health.message for one in target.health), "")
        reasons[target.target] = target.error or target.suspended or "; ".join(target.guards) or withheld or degraded
    return arrivals(run.rows, run.results, reasons)


async def _tell(forge: Forge, one: Waiting, found: Sequence[Arrival], run: str, author: str) -> list[ForgeError]:
    status = arrival_status(found, one.url)
    commits = dict.fromkeys((one.head, one.commit))
    problems = [problem for commit in commits for problem in await post_statuses(forge, commit, [status])]
    mark, command = marker(_SCOPE, folds=forge.folds), f"reconciler audit log --run {run}"
    body = applied_markdown(mark, one.commit, found, command, forge.largest_comment)
    try:
        await write_comment(forge, one.number, body, _SCOPE, author)
    except ForgeError as problem:
        problems.append(problem)
    return problems


def _digest(found: Sequence[Arrival]) -> str:
    return digest([[str(one.target), one.became, one.why] for one in found])[:16]


def _is_old(one: Waiting, now: datetime) -> bool:
    return now - datetime.fromisoformat(one.since) > LONGEST_STORY


def _known(store: Store) -> tuple[str, dict[int, Waiting]]:
    kept: Mapping[str, Any] = store.get(KEY) or {}
    return str(kept.get("seen", "")), {one["number"]: Waiting(**one) for one in kept.get("waiting", ())}


def _keep(store: Store, seen: str, waiting: Mapping[int, Waiting]) -> None:
    rows = [
        {"number": one.number, "commit": one.commit, "head": one.head, "url": one.url, "since": one.since,
         "told": one.told}
        for one in waiting.values()
    ]  # fmt: skip
    value = {"seen": seen, "waiting": rows}
    if store.get(KEY) != value:
        store.put(KEY, value)
