"""The comment on a merged pull request within its bound, and the mark of its commit."""

from __future__ import annotations

import pytest

from reconciler.model.plans import Recap
from reconciler.model.refs import TargetId
from reconciler.report.applied_markdown import Arrival, Became, applied_markdown, arrival_status, arrivals

BROKEN = "boom | @everyone <b> `x` [a](http://evil)\n\n# big"
MANY = tuple(
    Arrival(TargetId(f"c{number:03}", "mesh"), Became.FAILED if number == 299 else Became.APPLIED, BROKEN)
    for number in range(300)
)


def test_it_fits_and_tells_what_is_worst_first() -> None:
    body = applied_markdown("<!-- m -->", "a" * 40, MANY, "reconciler audit log", 6000)
    assert len(body.encode()) <= 6000
    rows = [line for line in body.splitlines() if line.startswith("| c")][1:]
    assert rows[0].startswith("| c299 | mesh | ❌ failed |")
    assert f"…and {300 - len(rows)} more" in body
    assert len(rows) > 10
    assert len([line for line in applied_markdown("m", "a", MANY, "c").splitlines() if line.startswith("| c")]) == 301


def test_nothing_of_a_reason_is_markup() -> None:
    body = applied_markdown("m", "a" * 40, MANY[-1:], "c")
    assert "<b>" not in body
    assert "@everyone" not in body
    assert "](http" not in body
    assert "\n#  big" not in body
    assert "\n# big" not in body


@pytest.mark.parametrize(
    ("counts", "became", "state"),
    [
        ({"ok": 3}, Became.APPLIED, "success"),
        ({"changed": 3, "progressing": 1}, Became.PROGRESSING, "success"),
        ({"ok": 3, "degraded": 1}, Became.DEGRADED, "success"),
        ({"skipped": 3}, Became.WAITING, "pending"),
        ({"ok": 1, "late": 1}, Became.LATE, "pending"),
        ({"ok": 1, "blocked": 1}, Became.WITHHELD, "failure"),
        ({"unreachable": 1}, Became.UNREACHED, "error"),
        ({"ok": 1, "failed": 1, "unreachable": 1}, Became.FAILED, "failure"),
    ],
)
def test_what_became_of_a_target(counts: dict[str, int], became: Became, state: str) -> None:
    rows = [Recap(TargetId("eu", "mesh"), **counts), Recap(TargetId("us", "mesh"), ok=1)]
    found = arrivals(rows, (), {})
    assert [one.became for one in found] == [became, Became.APPLIED]
    assert arrival_status(found).state == state
