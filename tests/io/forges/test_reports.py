"""A report of a review on every forge: made behind three pages of comments of others, left alone, written anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.model.commits import Commit
from reconciler.model.plans import Plan
from reconciler.model.reviews import Review
from reconciler.pipeline.posting import Outcome, publish
from reconciler.ports.forge import Forge
from tests.io.forges.server import MAIN, SHA, Fault, Host, Pull

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REVIEW = Review(Commit(MAIN), Commit(SHA(0xB1)), True, NOW, "", Plan(SHA(0xB1), (), fingerprint="f" * 64), 0)


async def test_a_report_is_made_once_left_alone_and_written_anew(host: Host, forge: Forge) -> None:
    host.state.pulls[7] = Pull(7)
    for number in range(250):
        host.state.note(7, f"chat {number}", author="eve")
    pull = await forge.pull_request(7)
    assert (await publish(forge, pull, REVIEW)).outcome is Outcome.CREATED
    later = replace(REVIEW, at=NOW + timedelta(hours=1))
    assert (await publish(forge, pull, later)).outcome is Outcome.UNCHANGED
    host.state.pulls[7].head = SHA(0xB2)
    assert (await publish(forge, pull, later)).outcome is Outcome.OUTDATED
    moved = replace(later, head=Commit(SHA(0xB2)))
    posted = await publish(forge, await forge.pull_request(7), moved)
    assert (posted.outcome, posted.problems) == (Outcome.UPDATED, ())
    ours = [note for note in host.state.notes if note.author == host.state.account]
    assert len(ours) == 1
    assert {status["sha"] for status in host.state.statuses} == {SHA(0xB1), SHA(0xB2)}


async def test_a_report_that_is_refused_is_told(host: Host, forge: Forge) -> None:
    host.state.pulls[7] = Pull(7)
    pull = await forge.pull_request(7)
    host.faults.append(Fault(403, fits="^(POST|PUT)", times=9, words="this token may not write"))
    posted = await publish(forge, pull, REVIEW)
    assert posted.outcome is Outcome.FAILED
    assert all("this token may not write" in str(problem) for problem in posted.problems)
    assert host.state.notes == []
