"""One entry of a forge's tracker that says what has drifted: made when something has, closed when nothing has."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.model.forges import Issue
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.posting import Outcome, account_of
from reconciler.pipeline.world import World
from reconciler.ports.forge import Forge
from reconciler.report.drift_markdown import drift_markdown, drift_title, drifted
from reconciler.report.review.marker import differs, is_ours, marker
from reconciler.report.review.showing import Showing

LABEL = "mesh-drift"


@dataclass(frozen=True, slots=True)
class Kept:
    """``issue`` None: nothing has drifted, and there was none."""

    outcome: Outcome
    issue: Issue | None = None
    closed: bool = False


async def keep_issue(forge: Forge, world: World, run: Run, scope: str = "drift", author: str = "") -> Kept:
    """Make, write anew, leave or close the entry of a scope. While a target could not be read nothing is closed.
    ``author``: who we are there, for a token that cannot ask. ForgeError passes through."""
    assert run.planned.plan is not None
    targets = run.planned.plan.targets
    folder = f"{world.source.folder}/" if world.source.folder else ""

    def place(commit: str, path: str, line: int) -> str:
        return forge.line_url(commit, folder + path, line)

    showing = Showing(link=place, limit=forge.largest_comment, folds=forge.folds)
    title = drift_title(targets)
    mark = marker(scope, folds=forge.folds)
    body = drift_markdown(mark, targets, run.planned.prepared.commit, world.now(), showing)
    known = await _mine(forge, scope, author)
    if known is None:
        if not drifted(targets):
            return Kept(Outcome.UNCHANGED)
        return Kept(Outcome.CREATED, await forge.create_issue(title, body, LABEL))
    ended = not drifted(targets) and not any(target.error for target in targets)
    if not ended and known.title == title and not differs(known.body, body):
        return Kept(Outcome.UNCHANGED, known)
    return Kept(
        Outcome.UPDATED, await forge.update_issue(replace(known, title=title, body=body, open=not ended)), ended
    )


async def _mine(forge: Forge, scope: str, author: str) -> Issue | None:
    """The oldest open one of ours; a marker alone proves nothing."""
    me = await account_of(forge, author)
    found = [one async for one in forge.issues(LABEL) if one.author == me and is_ours(one.body, scope)]
    return found[0] if found else None
