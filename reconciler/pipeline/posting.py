"""The report of a review on its pull request: one comment, found again and written anew only where it says something
else, and the statuses of the head. What goes wrong at the forge is a value: it changes nothing of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.model.forges import Comment, CommitStatus, PullRequest
from reconciler.model.reviews import Review
from reconciler.ports.forge import Forge, ForgeAbsent, ForgeConflict, ForgeError, ForgeRejected
from reconciler.report.markdown import cut, prose
from reconciler.report.review import Showing, comment, differs, is_ours, review_statuses
from reconciler.report.review.marker import SUPERSEDED

ROOM = 512  # bytes of a comment for what is only known when the statuses were sent


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    OUTDATED = "outdated"  # the pull request has a newer head: whoever looks at that one reports it
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Posted:
    """``problems``: what the forge refused, each by itself; the comment and the statuses do not wait for each other."""

    outcome: Outcome
    problems: tuple[ForgeError, ...] = ()


async def publish(
    forge: Forge, pull: PullRequest, review: Review, showing: Showing | None = None, author: str = ""
) -> Posted:
    """Post the report. ``pull.head`` is what was reviewed: when the pull request has another one by now, nothing is
    posted. ``showing``: scope, artifact and command; links and bounds are the forge's. ``author``: who we are there,
    for a token that cannot ask. A report that says the same as the one that is there touches nothing.

    No ForgeError passes through. ValueError for a scope that cannot be one.
    """
    limit = forge.largest_comment - ROOM
    shown = replace(showing or Showing(), link=forge.line_url, limit=limit, folds=forge.folds)
    body = comment(review, shown)
    problems: list[ForgeError] = []
    try:
        if (await forge.pull_request(pull.number)).head != pull.head:
            return Posted(Outcome.OUTDATED)
        mine = await _mine(forge, pull.number, shown.scope, author)
    except ForgeError as problem:
        statuses = await post_statuses(forge, pull.head, review_statuses(review, pull.url))
        return Posted(Outcome.FAILED, (problem, *statuses))
    if mine and not differs(mine[0].body, body):
        return Posted(Outcome.UNCHANGED)
    problems += await post_statuses(forge, pull.head, review_statuses(review, pull.url))
    body += _without_statuses(problems)  # so that the next report, which does not say so, sets them
    if mine and not differs(mine[0].body, body):
        return Posted(Outcome.UNCHANGED, tuple(problems))
    try:
        outcome = await _write(forge, pull.number, mine, body, (shown.scope, author))
    except ForgeError as problem:
        return Posted(Outcome.FAILED, (problem, *problems))
    return Posted(outcome, tuple(problems))


def _without_statuses(problems: Sequence[ForgeError]) -> str:
    return f"\nThe statuses could not be set: {prose(cut(str(problems[0]), 60))}\n" if problems else ""


async def write_comment(forge: Forge, number: int, body: str, scope: str, author: str = "") -> Outcome:
    """The one comment of a scope, which is in the marker of ``body``: created, written anew, or left as it is.

    ForgeError passes through."""
    mine = await _mine(forge, number, scope, author)
    if mine and not differs(mine[0].body, body):
        return Outcome.UNCHANGED
    return await _write(forge, number, mine, body, (scope, author))


async def post_statuses(forge: Forge, commit: str, statuses: Sequence[CommitStatus]) -> list[ForgeError]:
    """Set each; those that the forge refused."""
    problems = []
    for status in statuses:
        try:
            await forge.set_status(commit, status)
        except ForgeError as problem:
            problems.append(problem)
    return problems


async def account_of(forge: Forge, author: str) -> str:
    """Who we are there: as the token says, else as we were told. ForgeRejected where nobody says."""
    if me := await forge.account() or author:
        return me
    raise ForgeRejected(f"{forge.name}: the token does not tell whose it is; name its account by --author")


async def _mine(forge: Forge, number: int, scope: str, author: str) -> list[Comment]:
    """Our reports of a scope, oldest first. A marker alone proves nothing: anybody can write one."""
    me = await account_of(forge, author)
    return [one async for one in forge.comments(number) if one.author == me and is_ours(one.body, scope)]


async def _write(forge: Forge, number: int, mine: Sequence[Comment], body: str, who: tuple[str, str]) -> Outcome:
    """The oldest is written anew; once more where somebody changed it meanwhile, as a new one where it was deleted."""
    if not mine:
        await forge.create_comment(number, body)
        return Outcome.CREATED
    try:
        await forge.update_comment(number, mine[0], body)
    except (ForgeAbsent, ForgeConflict):
        again = await _mine(forge, number, *who)
        if again:
            await forge.update_comment(number, again[0], body)
        else:
            await forge.create_comment(number, body)
    for twice in mine[1:]:  # two runs at once, each of which found none
        await forge.update_comment(number, twice, SUPERSEDED)
    return Outcome.UPDATED
