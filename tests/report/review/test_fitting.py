"""A thousand changes in one comment: whole objects, closed blocks, the gravest first; what is missing is counted."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.model.commits import Commit
from reconciler.model.plans import Action, FieldChange, Plan
from reconciler.model.refs import TargetId
from reconciler.model.reviews import Alert, AlertKind, Review, Reviewed, TargetReview
from reconciler.report.review import Showing, comment
from reconciler.report.review.fitting import Item, Section, fit
from tests.plan.builders import native, only, plan_of
from tests.report.review.test_safe_text import NASTY, read

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACTIONS = (Action.CREATE, Action.UPDATE, Action.UPDATE, Action.PRUNE)


def change(number: int, value: str = "v" * 60) -> Reviewed:
    action = ACTIONS[number % 4]
    base = only(plan_of([native(f"object-{number:04}", {"x": 1})]))
    fields = tuple(FieldChange(f"spec.field[{at}].name", "change", "before", f"{value}-{number}") for at in range(6))
    return Reviewed(replace(base, action=action, fields=fields), fields)


def review(count: int, targets: int = 4, **more: object) -> Review:
    each = count // targets
    made = [
        TargetReview(TargetId(f"cluster-{at}", "mesh"), tuple(change(at * each + n) for n in range(each)))
        for at in range(targets)
    ]
    plan = Plan("a" * 40, (), fingerprint="f" * 64)
    return Review(Commit("a" * 40), Commit("b" * 40), True, NOW, "", plan, 2, tuple(made), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def thousand() -> Review:
    return review(1000)


@pytest.mark.parametrize("limit", [65_536, 32_768, 20_000, 5_000, 2_000])
@pytest.mark.parametrize("folds", [True, False])
def test_a_thousand_changes_fit(thousand: Review, limit: int, folds: bool) -> None:
    text = comment(thousand, Showing(limit=limit, folds=folds, artifact="report.md"))
    assert len(text.encode()) <= limit
    assert len(text.encode()) > limit * 0.8, "the room is used"
    assert text.count("```") % 2 == 0
    assert text.count("<details>") == text.count("</details>")
    for block in re.findall(r"#### (.+?)\n```diff\n(.*?)\n```", text, re.DOTALL):
        assert block[1].count("\n") == 11, "a block that is shown is shown whole"
    shown = len(set(re.findall(r"object-\d{4}", text)))
    left_out, shortened = map(int, re.findall(r"(\d+) entries are left out, (\d+) are shown", text)[0])
    whole = len(re.findall(r"^#### ", text, re.MULTILINE))
    assert shown + left_out >= 1000
    assert whole + shortened <= shown + len(thousand.targets)
    assert "report.md" in text
    assert text.rstrip().endswith("--rev aaaaaaaaaaaa`")


def test_deletes_stay_longest(thousand: Review) -> None:
    text = comment(thousand, Showing(limit=30_000))
    whole = re.findall(r"^#### (\S) `Route", text, re.MULTILINE)
    assert whole
    assert set(whole) == {"-"}


def test_without_a_bound_all_of_it_is_there(thousand: Review) -> None:
    text = comment(thousand, Showing())
    assert len(re.findall(r"^#### ", text, re.MULTILINE)) == 1000
    assert "left out" not in text


def test_many_targets_and_warnings_are_counted_too() -> None:
    alerts = tuple(Alert(AlertKind.DELETE, f"number {n} " + "x" * 3000) for n in range(500))
    made = review(2000, 1000, alerts=alerts)
    text = comment(made, Showing(limit=32_768))
    assert len(text.encode()) <= 32_768
    assert "more" in text
    seen = read(text)
    assert "pre" not in seen.tags or seen.tags.count("details") >= 1
    assert "All of it" in seen.outside


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text_in_every_place_fits_and_closes(text: str) -> None:
    huge = text * 300 or "x"
    base = change(1)
    nasty = replace(
        base, change=replace(base.change, why=huge, key=replace(base.change.key, name=huge)), note=huge,
        fields=(FieldChange(huge, "change", huge, {"a": [huge]}),),
    )  # fmt: skip
    target = TargetReview(TargetId(huge, huge), (nasty, base), (nasty,), (nasty,), error=huge, guards=(huge,))
    alert = Alert(AlertKind.DELETE, huge, target.target, (huge,), hint=huge)
    made = replace(review(4, 1), targets=(target,), alerts=(alert,), facts=huge)
    for folds in (True, False):
        for limit in (65_536, 8_000):
            body = comment(made, Showing(limit=limit, folds=folds, artifact=huge))
            assert len(body.encode()) <= limit
            seen = read(body)
            assert set(seen.tags) <= {
                "h2", "h3", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "strong", "br", "code",
                "pre", "details", "summary", "hr",
            }  # fmt: skip
            assert seen.tags.count("details") == body.count("</details>\n") or not folds
            assert "All of it" in seen.outside
            assert not re.search(r"@\w|https?://", seen.outside)


def test_what_fits_is_chosen_by_rank_and_stays_in_its_order() -> None:
    items = tuple(Item(f"whole {number} {'x' * 50}\n", f"brief {number}\n", 9 - number) for number in range(10))
    fitted = fit([Section("<", items, ">")], 330)
    assert len(fitted.text) <= 330
    numbers = [int(found) for found in re.findall(r"(?:whole|brief) (\d)", fitted.text)]
    assert numbers == sorted(numbers)
    wholes = [int(found) for found in re.findall(r"whole (\d)", fitted.text)]
    assert wholes == list(range(10 - len(wholes), 10))
    assert fitted.left_out + len(numbers) == 10
    assert fitted.shortened == len(numbers) - len(wholes)
