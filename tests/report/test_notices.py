"""Which route takes which event, what is news of a row of events, and that no text of others calls people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model.commits import Commit
from reconciler.model.events import Actor, AuditEvent
from reconciler.model.notices import Notify, Weight
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.report.news import MOST_KNOWN, news
from reconciler.report.notices import LONGEST_LINE, MOST_LINES, notice, takes, weight_of

EU, US = TargetId("eu", "mesh"), TargetId("us", "mesh")


def event(kind: str, name: str = "a", **more: Any) -> AuditEvent:
    values: dict[str, Any] = {"target": EU, "object": ObjectKey("g", "Kind", "shop", name), **more}
    return AuditEvent(f"{kind}/{name}", datetime(2026, 1, 1, tzinfo=UTC), "run-1", kind, Actor("i", "u", "t"), **values)


FAILED = event("object.updated", result="failed", error="no")
DONE = event("object.updated", result="changed")


@pytest.mark.parametrize(
    ("on", "taken"),
    [
        (("changes",), {"object.updated changed"}),
        (
            ("failures",),
            {"object.updated failed", "run.failed error", "source.halted ", "target.unreachable unreachable"},
        ),
        (("drift",), {"drift.detected ", "drift.ended "}),
        (("object.*",), {"object.updated changed", "object.updated failed"}),
        (("object.updated",), {"object.updated changed", "object.updated failed"}),
        (("health", "withheld"), {"health.degraded ", "guard.withheld "}),
        (("operations",), {"target.paused ok"}),
        (("run.*",), {"run.failed error"}),
    ],
)
def test_topics(on: tuple[str, ...], taken: set[str]) -> None:
    every = [DONE, FAILED, event("run.failed", result="error"), event("run.finished", result="ok")]
    every += [event(kind) for kind in ("drift.detected", "drift.ended", "health.degraded", "guard.withheld")]
    every += [
        event("source.halted"),
        event("target.paused", result="ok"),
        event("target.unreachable", result="unreachable"),
    ]
    assert {f"{one.type} {one.result}" for one in every if takes(Notify("r", "c", on), one, None)} == taken


def test_a_route_by_weight_and_target() -> None:
    route = Notify("r", "c", ("changes", "drift", "failures"), Weight.WARNING)
    drift = event("drift.detected")
    assert [takes(route, one, None) for one in (DONE, drift, FAILED)] == [False, True, True]
    assert [takes(route, drift, {target}) for target in (EU, US)] == [True, False]
    assert takes(route, event("run.failed", target=None), {US})


def test_the_same_failure_is_no_news() -> None:
    other = event("object.updated", result="failed", error="really no")
    told, lasting = news([FAILED, FAILED, other, FAILED], {})
    assert [one.error for one in told] == ["no", "really no", "no"]
    assert news([FAILED], lasting)[0] == ()
    told, lasting = news([DONE, FAILED], lasting)
    assert told == (DONE, FAILED)
    assert news([event("run.failed", target=None, object=None, result="error")] * 2, {})[1] == {
        "run": "run.failed error"
    }


def test_what_is_remembered_of_failures_is_bounded() -> None:
    many = [event("object.updated", str(number), result="failed") for number in range(MOST_KNOWN + 10)]
    assert len(news(many, {})[1]) == MOST_KNOWN


def test_a_message_counts_names_and_is_cut_by_lines() -> None:
    many = [event("object.created", f"n{number}", result="changed") for number in range(MOST_LINES + 5)]
    told = notice([*many, event("drift.detected", target=US, details={"by": "x"})], "https://git/x", skipped=3)
    assert told.title == f"Mesh: {MOST_LINES + 5} created, 1 drifted in eu, us"
    assert f"and {1 + 5 + 3} more" in told.body
    assert told.body.count("\n- ") == MOST_LINES - 1
    assert "reconciler audit log --run run-1" in told.body


def test_a_guard_tells_how_to_confirm() -> None:
    guard = event("guard.withheld", object=None, details={"guards": ["21 deletes"], "confirm": "abc"})
    assert "(21 deletes)  confirm with Reconciler-Confirm: abc" in notice([guard], "s").body


def test_nothing_in_a_message_calls_people_or_breaks_its_lines() -> None:
    hostile = "<!channel> @everyone <https://evil|x>\x1b[31m\n- forged \u202e" + "x" * 1000
    told = notice([event("object.updated", error=hostile, commit=Commit("a" * 40, message=hostile))], hostile)
    assert "<!" not in told.body
    assert "@e" not in told.body
    assert "\x1b" not in told.body
    assert "\u202e" not in told.body
    assert len(told.body.splitlines()) == 4
    assert max(map(len, told.body.splitlines())) < LONGEST_LINE + 40
    assert told.weight is weight_of(FAILED)
