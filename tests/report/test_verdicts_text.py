"""Which verdicts are worth a line, and how they read."""

from __future__ import annotations

from reconciler.model.commits import Commit
from reconciler.model.native import Verdict
from reconciler.model.plans import Plan, TargetPlan
from reconciler.model.refs import ServiceRef, TargetId
from reconciler.model.settings import Mode
from reconciler.report.plan_markdown import plan_markdown
from reconciler.report.plan_text import plan_text
from reconciler.report.verdicts_text import verdict_lines

EU, US = TargetId("eu", "mesh"), TargetId("us", "mesh")
WEB = ServiceRef("web", "shop", "eu")


def verdict(capability: str, action: str = "Applied", level: str = "Native", **more: object) -> Verdict:
    return Verdict(EU, "TrafficPolicy/default/p", capability, level, action, **more)  # type: ignore[arg-type]


def lines(*verdicts: Verdict) -> list[str]:
    return [line.strip() for line in verdict_lines(verdicts, EU, lambda text, _role: text)]


def test_what_a_mesh_does_by_itself_is_not_worth_a_line() -> None:
    assert lines(verdict("traffic.timeout.request")) == []


def test_refusal_is_one_line_for_a_policy_and_names_its_destinations() -> None:
    why = {"action": "Refused", "note": "the mesh cannot", "destinations": (WEB,)}
    assert lines(verdict("traffic.fault", **why), verdict("traffic.timeout.request", **why)) == [
        "! refused   TrafficPolicy/default/p on web.shop: the mesh cannot"
    ]


def test_what_is_left_out_and_emulated_is_told_by_capability() -> None:
    told = lines(
        verdict("traffic.mirror", "Degraded", "None", note="left out: too old"),
        verdict("traffic.route.subset", level="Emulated", via="a Service of its own"),
    )
    assert told == [
        "! left out  traffic.mirror of TrafficPolicy/default/p: too old",
        "emulated  traffic.route.subset of TrafficPolicy/default/p: a Service of its own",
    ]


def test_other_targets_are_told_apart() -> None:
    assert list(verdict_lines([verdict("a", "Refused", note="no")], US, lambda text, _role: text)) == []


def test_plans_have_them_in_text_and_markdown() -> None:
    plan = Plan("abc", (TargetPlan(EU, Mode.APPLY),), verdicts=(verdict("a", "Refused", note="it <cannot>"),))
    assert "! refused   TrafficPolicy/default/p: it <cannot>" in plan_text(
        plan, Commit("abc"), lambda text, _role: text
    )
    page = plan_markdown(plan, Commit("abc"))
    assert "On eu/mesh, otherwise than by the mesh itself:" in page
    assert "<cannot>" not in page
