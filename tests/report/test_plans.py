"""Plans as text, Markdown and JSON: what people read, and that nothing from a manifest breaks out of its place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.native import NativeKind
from reconciler.model.plans import Plan, Recap
from reconciler.model.refs import KindId
from reconciler.model.settings import Mode, Settings
from reconciler.pipeline.recap import Totals, exit_code
from reconciler.report.paint import ansi, plain
from reconciler.report.plan_json import plan_json
from reconciler.report.plan_markdown import plan_markdown
from reconciler.report.plan_text import View, plan_text
from reconciler.report.recap_text import recap_text
from tests.plan.builders import COMMIT, TARGET, desired_state, lives, native, plan_of

SECRET = NativeKind(KindId("", "Secret"), ("v1",), "secrets", exclusive=False)
NASTY = "```\n</details><script>alert(1)</script> @everyone [x](http://evil) | `` ``` ````"


def test_text_tells_fields_origins_and_the_rest() -> None:
    kept = native("kept", {"x": 1})
    plan = plan_of([native("a", {"x": 2}), kept], [lives(native("a", {"x": 1})), lives(kept)])
    text = plan_text(plan, COMMIT, plain)
    assert "~ Route shop/a   update, commit" in text
    assert "~ spec.x: 1 → 2" in text
    assert "from policies/p.yaml:5 TrafficPolicy default/p" in text
    assert "= 1 object in sync" in text
    assert "\x1b" not in text
    assert "\x1b[33m" in plan_text(plan, COMMIT, ansi)


def test_content_of_what_comes_is_shown_on_request() -> None:
    plan = plan_of([native("a", {"x": [1, 2]})])
    assert "x:" not in plan_text(plan, COMMIT, plain)
    assert "+   x:" in plan_text(plan, COMMIT, plain, View(full=True))


def test_control_characters_cannot_reach_the_terminal() -> None:
    plan = plan_of([native("a", {"x": "\x1b[2Jgone"})], [lives(native("a", {"x": "\x07"}))])
    assert not {"\x1b", "\x07"} & set(plan_text(plan, COMMIT, plain))


def test_values_from_manifests_stay_inside_their_markdown() -> None:
    asked = native("a", {"x": NASTY, NASTY: 1}, policy="p")
    commit = replace(COMMIT, message=NASTY)
    text = plan_markdown(plan_of([asked], [lives(native("a", {"x": "old"}))]), commit)
    fences = [line for line in text.splitlines() if line.startswith("`````")]
    assert len(fences) == 2, "one block, with a fence longer than any run of backticks in it"
    outside = text[: text.index(fences[0])] + text[text.rindex(fences[1]) :]
    for active in ("<script>", "@everyone", "](http"):
        assert active not in outside


def test_reasons_are_escaped_in_markdown() -> None:
    settings = Settings(mode=Mode.APPLY)
    desired = desired_state(settings)
    plan = plan_of([native("a", {"x": 2})], [lives(native("a", {"x": 1}))], desired=desired)
    change = replace(plan.changes[0], why=NASTY, withheld=None)
    target = replace(plan.targets[0], changes=(change,), error=NASTY)
    text = plan_markdown(replace(plan, targets=(target,)), COMMIT)
    assert "<script>" not in text
    assert "@everyone" not in text


def secret(value: str, other: str) -> object:
    made = native("s", {}, SECRET)
    return replace(made, body={**made.body, "data": {"a": value, "b": other}, "spec": {}})


@pytest.mark.parametrize("full", [False, True])
def test_secrets_are_masked_with_equal_marks_for_equal_values(full: bool) -> None:
    plan = plan_of([secret("hunter2", "hunter2")])  # type: ignore[list-item]
    shown = (
        plan_text(plan, COMMIT, plain, View(full=full))
        + json.dumps(plan_json(plan, COMMIT))
        + plan_markdown(plan, COMMIT)
    )
    assert "hunter2" not in shown
    fields = json.dumps(plan_json(plan, COMMIT)["targets"][0]["changes"][0]["fields"])
    assert fields.count("<masked #1>") == 2


@pytest.mark.parametrize("name", ["authorization", "Cookie", "x-api-key", "X-Auth-Token", "client_secret"])
def test_header_values_named_like_credentials_are_masked(name: str) -> None:
    asked = native("a", {"headers": {"set": {name: "s3cr3t", "x-plain": "seen"}}})
    live = lives(native("a", {"headers": {"set": {name: "0ld", "x-plain": "before"}}}))
    text = plan_text(plan_of([asked], [live]), COMMIT, plain)
    assert "s3cr3t" not in text
    assert "0ld" not in text
    assert "before → seen" in text


@pytest.mark.parametrize(
    "written",
    [
        lambda value: {"set": [{"name": "Authorization", "value": value}, {"name": "x-plain", "value": "seen"}]},
        lambda value: {"add": [{"header": {"key": "x-api-key", "value": value}, "plain": "seen"}]},
        lambda value: {"match": [{"name": "cookie", "string_match": {"exact": value}, "plain": "seen"}]},
    ],
)
def test_values_beside_the_name_of_a_credential_are_masked(written: Any) -> None:
    asked, live = native("a", written("s3cr3t")), lives(native("a", written("0ld")))
    for plan in (plan_of([asked], [live]), plan_of([asked]), plan_of([], [live])):
        text = plan_text(plan, COMMIT, plain, View(full=True)) + json.dumps(plan_json(plan, COMMIT))
        assert "s3cr3t" not in text
        assert "0ld" not in text
        assert "<masked #1>" in text
    assert "seen" in plan_text(plan_of([asked]), COMMIT, plain, View(full=True))


def test_paths_to_redact_are_masked() -> None:
    settings = Settings(mode=Mode.APPLY, redact=("Route:spec.rules[*].note", "spec.x"))
    asked = native("a", {"rules": [{"note": "hidden", "y": 1}], "x": "hidden"})
    text = plan_text(plan_of([asked], settings=settings), COMMIT, plain, View(full=True))
    assert "hidden" not in text
    assert "y: 1" in text


def test_a_plan_as_json_says_the_same_twice() -> None:
    def made() -> Plan:
        return plan_of([native("b", {"x": 2}), native("a", {"x": 2})], [lives(native("a", {"x": 1}))])

    one, two = (json.dumps(plan_json(made(), COMMIT), sort_keys=True) for _ in range(2))
    assert one == two
    assert [c["object"]["name"] for c in json.loads(one)["targets"][0]["changes"]] == ["a", "b"]


def test_recap_is_in_columns() -> None:
    rare = recap_text([Recap(TARGET, ok=4, degraded=1), Recap(replace(TARGET, mesh="m"))], plain)
    assert "degraded=1" in rare
    assert "progressing" not in rare
    text = recap_text([Recap(TARGET, ok=4), Recap(replace(TARGET, mesh="m"), ok=12, failed=1)], plain)
    lines = text.splitlines()[1:]
    assert [line.index("changed=") for line in lines] == [lines[0].index("changed=")] * 2
    assert "ok=4" in lines[0]
    assert lines[1].endswith("skipped=0")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Totals(), 0),
        (Totals(applied=True), 0),
        (Totals(pending=True), 2),
        (Totals(pending=True, blocked=True), 3),
        (Totals(blocked=True, unreachable=True), 4),
        (Totals(errors=True, unreachable=True), 1),
        (Totals(errors=True, applied=True), 5),
        (Totals(failed=True), 1),
        (Totals(failed=True, applied=True, unreachable=True), 5),
    ],
)
def test_exit_codes_are_the_first_that_is_true(found: Totals, code: int) -> None:
    assert exit_code(found) == code
