"""One comment, found again by marker and author, left alone when nothing is new; statuses; what a forge refuses."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.commits import Commit
from reconciler.model.forges import Comment
from reconciler.model.plans import Plan
from reconciler.model.reviews import Review
from reconciler.pipeline.posting import Outcome, Posted, publish
from reconciler.ports.forge import Forge, ForgeAbsent, ForgeConflict, ForgeForbidden
from reconciler.report.review import Showing
from tests.pipeline.one_forge import PULL, OneForge

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REVIEW = Review(Commit("a" * 40), Commit("b" * 40), True, NOW, "", Plan("a" * 40, (), fingerprint="f" * 64), 0)


def posted(forge: OneForge, review: Review = REVIEW, showing: Showing | None = None, author: str = "") -> Posted:
    port: Forge = forge
    return asyncio.run(publish(port, PULL, review, showing, author))


def test_it_is_made_once_then_left_alone_then_written_anew() -> None:
    forge = OneForge(said=[Comment(f"{number}", "eve", "chat") for number in range(150)])
    assert posted(forge).outcome is Outcome.CREATED
    later = replace(REVIEW, at=NOW + timedelta(hours=1))
    assert posted(forge, later).outcome is Outcome.UNCHANGED
    assert (forge.writes, len(forge.statuses)) == (1, 2)
    assert posted(forge, replace(later, head=Commit("c" * 40))).outcome is Outcome.UPDATED
    assert len(forge.said) == 151
    assert "c" * 12 in forge.said[-1].body


def test_line_ends_as_a_forge_stores_them_are_no_difference() -> None:
    forge = OneForge()
    posted(forge)
    forge.said[0] = replace(forge.said[0], body=forge.said[0].body.replace("\n", "\r\n").rstrip())
    assert posted(forge).outcome is Outcome.UNCHANGED


def test_somebody_elses_marker_is_not_ours() -> None:
    forge = OneForge()
    posted(forge)
    forged = Comment("1", "eve", forge.said[0].body)
    other = OneForge(said=[forged])
    assert posted(other).outcome is Outcome.CREATED
    assert other.said[0] == forged


def test_a_quoted_marker_of_ours_is_not_the_report() -> None:
    forge = OneForge()
    posted(forge)
    quoted = "> " + forge.said[0].body.replace("\n", "\n> ")
    forge.said.insert(0, Comment("0", forge.me, f"As I said:\n{quoted}"))
    assert posted(forge).outcome is Outcome.UNCHANGED


def test_what_somebody_wrote_into_our_comment_is_put_right() -> None:
    forge = OneForge()
    posted(forge)
    body = forge.said[0].body
    forge.said[0] = replace(forge.said[0], body=body.replace("nothing changes", "all is well, merge it"))
    assert posted(forge).outcome is Outcome.UPDATED
    assert forge.said[0].body == body


def test_scopes_have_a_comment_each() -> None:
    forge = OneForge()
    for scope in ("prod", "test", "prod"):
        posted(forge, showing=Showing(scope=scope))
    assert len(forge.said) == 2
    with pytest.raises(ValueError, match="cannot name a report"):
        posted(forge, showing=Showing(scope="x --> <b>"))


def test_two_of_ours_become_one() -> None:
    forge = OneForge()
    posted(forge)
    forge.said.append(replace(forge.said[0], id="2"))
    posted(forge, replace(REVIEW, head=Commit("c" * 40)))
    assert ["Superseded" in one.body for one in forge.said] == [False, True]
    posted(forge, replace(REVIEW, head=Commit("d" * 40)))
    assert "d" * 12 in forge.said[0].body


def test_a_token_that_does_not_know_itself_needs_a_name() -> None:
    forge = OneForge(me="")
    made = posted(forge)
    assert made.outcome is Outcome.FAILED
    assert "--author" in str(made.problems[0])
    assert not forge.said
    assert posted(forge, author="token").outcome is Outcome.CREATED
    assert posted(forge, author="token").outcome is Outcome.UNCHANGED


def test_a_comment_that_is_deleted_or_changed_meanwhile() -> None:
    for problem in (ForgeConflict("changed", 409), ForgeAbsent("gone", 404)):
        forge = OneForge(once=True)
        posted(forge)
        forge.refuse["update_comment"] = problem
        made = posted(forge, replace(REVIEW, head=Commit("c" * 40)))
        assert (made.outcome, made.problems) == (Outcome.UPDATED, ())
        assert "c" * 12 in forge.said[0].body


@pytest.mark.parametrize("method", ["account", "comments", "create_comment"])
def test_what_is_refused_is_told_and_the_statuses_are_set_all_the_same(method: str) -> None:
    forge = OneForge(refuse={method: ForgeForbidden("may not", 403)})
    made = posted(forge)
    assert made.outcome is Outcome.FAILED
    assert [str(problem) for problem in made.problems] == ["may not"]
    assert [status.context for _, status in forge.statuses] == ["reconciler/plan", "reconciler/drift"]


def test_statuses_that_are_refused_do_not_keep_the_comment_back() -> None:
    forge = OneForge(refuse={"set_status": ForgeForbidden("may not", 403)})
    made = posted(forge)
    assert made.outcome is Outcome.CREATED
    assert len(made.problems) == 2
    assert "statuses could not be set: may not" in forge.said[0].body
    again = posted(forge)
    assert (again.outcome, len(again.problems), forge.writes) == (Outcome.UNCHANGED, 2, 1)
    forge.refuse.clear()
    assert posted(forge).outcome is Outcome.UPDATED, "and the statuses are set as soon as they may be"
    assert len(forge.statuses) == 2


def test_statuses_are_of_the_head_of_the_pull_request() -> None:
    forge = OneForge()
    posted(forge, replace(REVIEW, head=Commit("e" * 40)))  # the merge that a CI system made
    assert {commit for commit, _ in forge.statuses} == {PULL.head}


def test_where_nothing_folds_no_html_is_sent() -> None:
    forge = OneForge(folds=False)
    posted(forge)
    assert "<!--" not in forge.said[0].body
    assert "<details" not in forge.said[0].body
    assert posted(forge).outcome is Outcome.UNCHANGED
