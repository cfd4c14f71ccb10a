"""Findings and what a change would do at their lines: SARIF 2.1.0 by its published schema, and workflow commands."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.model.commits import Commit
from reconciler.model.findings import Finding, Position, error, info, warning
from reconciler.model.plans import Reason
from reconciler.model.refs import TargetId
from reconciler.model.reviews import Alert, AlertKind, Place, Review
from reconciler.report.annotations import annotated
from reconciler.report.marks import DOINGS, Mark, of_findings, of_plan, of_review
from reconciler.report.sarif import sarif
from tests.plan.builders import native, plan_of
from tests.report.review.test_safe_text import NASTY

#: as published by schemastore.org for SARIF 2.1.0
SCHEMA = json.loads((Path(__file__).parent / "schemas/sarif-2.1.0-rtm.5.json").read_text())
AT = Position("policies/a b/ü#1:%.yaml", 4, 7)
FOUND = (
    error("wrong-value", "not so", AT, "but so"),
    warning("policy-conflict", "two of them", Position("policies/x.yaml", 2)),
    info("facts-absent", "nothing is known"),
    replace(
        warning("service-unknown", "no such", AT),
        target=TargetId("eu", "mesh"),
        also=(Position("policies/y.yaml", 9, 1),),
    ),
)  # fmt: skip


def checked(marks: list[Mark], code: int = 0) -> Any:
    """The one run of a log that the schema accepts."""
    log = json.loads(json.dumps(sarif(marks, code)))
    validator = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [problem.message for problem in validator.iter_errors(log)] == []
    (run,) = log["runs"]
    return run


def test_the_schema_refuses_what_is_no_sarif() -> None:
    log = sarif([*of_findings(FOUND)], 0)
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(SCHEMA).validate(log)


def test_findings_become_results_at_their_places() -> None:
    run = checked([*of_findings(FOUND, "fleet")], 1)
    first, _second, third = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "fleet/policies/a%20b/%C3%BC%231%3A%25.yaml"
    assert place["region"] == {"startLine": 4, "startColumn": 7}
    assert [result["level"] for result in run["results"]] == ["error", "warning", "warning"]
    assert first["message"]["text"] == "not so (but so)"
    assert third["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "fleet/policies/y.yaml"
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    (invocation,) = run["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (1, False)
    (told,) = invocation["toolExecutionNotifications"]
    assert told["message"]["text"] == "nothing is known"


def test_nothing_found_is_a_log_too() -> None:
    assert checked([])["results"] == []


def test_the_same_finding_has_the_same_print_wherever_it_moves() -> None:
    moved = replace(FOUND[0], position=replace(AT, line=90))
    first, second = (checked([*of_findings([one])])["results"][0]["partialFingerprints"] for one in (FOUND[0], moved))
    assert first == second
    other = checked([*of_findings([replace(FOUND[0], message="otherwise")])])["results"][0]["partialFingerprints"]
    assert other != first


@pytest.mark.parametrize("text", NASTY)
def test_text_of_strangers_is_no_link_and_no_command(text: str) -> None:
    found = Finding(FOUND[0].severity, "wrong-value", text, Position(f"policies/{text or 'x'}.yaml", 1))
    run = checked([*of_findings([found])])
    assert "](" not in run["results"][0]["message"]["text"]
    (line,) = annotated(of_findings([found]))
    assert "\n" not in line
    assert "\r" not in line
    head, message = line.split("::", 2)[1:]
    assert head.startswith("error file=policies/")
    assert head.endswith(",line=1,title=wrong-value")
    assert "\x1b" not in message


def test_commands_name_file_line_and_column() -> None:
    lines = annotated(of_findings(FOUND, "fleet"))
    assert lines[1] == "::warning file=fleet/policies/x.yaml,line=2,title=policy-conflict::two of them"
    assert lines[0] == (
        "::error file=fleet/policies/a b/ü#1%3A%25.yaml,line=4,col=7,title=wrong-value::not so (but so)"
    )
    assert len(lines) == 3, "what is at no file is at no line"


def test_what_a_plan_would_not_write_is_told_at_the_lines_that_ask() -> None:
    plan = plan_of([native("a", {"x": 1})])
    target = plan.targets[0]
    held = replace(target.changes[0], withheld=Reason.UNOWNED, why="it is not ours")
    quiet = replace(target.changes[0], withheld=Reason.REPORT_MODE)
    plan = replace(
        plan, targets=(replace(target, changes=(held, quiet)), replace(target, changes=(), error="no answer"))
    )
    run = checked([*of_plan(plan)])
    (result,) = run["results"]
    assert "not ours" in result["message"]["text"]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 5
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "no answer" in told["message"]["text"]


def test_a_review_tells_new_from_old_and_what_to_look_at() -> None:
    head, base = Commit("a" * 40), Commit("b" * 40)
    here, gone = Place("policies/x.yaml", 3, head.sha), Place("policies/gone.yaml", 3, base.sha)
    alerts = tuple(
        Alert(kind, f"{kind} is told", TargetId("eu", "mesh"), ("Route shop/a",), (here, gone)) for kind in AlertKind
    )
    made = Review(head, base, True, datetime(2026, 1, 1, tzinfo=UTC), "", None, 2,
                  alerts=alerts, findings=FOUND[:1], earlier=FOUND[1:2])  # fmt: skip
    run = checked([*of_review(made)], 2)
    states = {result["ruleId"]: result["baselineState"] for result in run["results"]}
    assert states["wrong-value"] == "new"
    assert states["policy-conflict"] == "unchanged"
    assert {name for name in states if name in DOINGS} == set(DOINGS)
    paths = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]}
    assert "policies/gone.yaml" not in paths, "a line that the head does not have cannot be marked"
    assert not any("policy-conflict" in line for line in annotated(of_review(made)))
