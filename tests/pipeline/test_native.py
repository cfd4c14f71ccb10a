"""Native patches against the definitions that a cluster has: a field that is not there is told, and nothing is lost."""

from __future__ import annotations

import pytest

from reconciler.model.plans import Action, Change, Reason
from reconciler.pipeline.outcome import Run
from reconciler.report.paint import plain
from reconciler.report.plan_text import plan_text
from tests.pipeline.fleet import FACTS, Fleet, rows
from tests.pipeline.test_versions import OPEN, control_plane, routes

KNOWN = routes("name", "route", "retries", "timeout")
CART = """
    apiVersion: reconciler.dev/v1alpha1
    kind: TrafficPolicy
    metadata: {name: cart}
    spec:
      to: [cart.shop]
      rule: {timeout: %s}
      native:
        istio:
          VirtualService: {spec: {http: %s}}
"""
LINE = 10
ROUTE = '[{name: default, route: [{destination: {host: cart.shop.svc.cluster.local}}], timeout: 1s, "%s": 1}]'


def stopped(run: Run) -> Change:
    assert run.planned.plan is not None
    (change,) = [one for one in run.planned.plan.changes if one.pending]
    return change


@pytest.mark.parametrize("timeout", ["1s", "7s"], ids=["nothing else", "a rule besides"])
def test_a_field_that_the_definition_lacks_stops_the_object_and_is_told(fleet: Fleet, timeout: str) -> None:
    fleet.facts("eu", (*FACTS, control_plane("1.27.1"), OPEN, KNOWN))
    assert rows(fleet.apply()) == {"eu/mesh": {"changed": 3}}
    before = fleet.live()
    fleet.change("policies/cart.yaml", CART % (timeout, ROUTE % "misspelt"))
    for _ in range(2):
        run = fleet.apply()
        assert (run.code, rows(run)) == (3, {"eu/mesh": {"ok": 2, "blocked": 1}})
        change = stopped(run)
        assert (change.action, change.withheld) == (Action.UPDATE, Reason.REFUSED)
        assert "VirtualService has no field spec.http[0].misspelt: it would be lost" in change.why
        text = plan_text(run.planned.plan, run.planned.prepared.commit, plain)
        assert f"from policies/cart.yaml:{LINE} TrafficPolicy" in text
    assert fleet.live() == before
    fleet.change("policies/cart.yaml", CART % (timeout, ROUTE % "retries"))
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2, "changed": 1}}
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 3}}


def test_a_field_that_a_definition_no_longer_has_is_told_when_it_is_asked_anew(fleet: Fleet) -> None:
    fleet.facts("eu", (*FACTS, control_plane("1.27.1"), OPEN, KNOWN))
    fleet.apply()
    fleet.facts("eu", (*FACTS, control_plane("1.26.1"), OPEN, routes("name", "route", "retries")))
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("later")
    run = fleet.apply()
    assert rows(run) == {"eu/mesh": {"ok": 2, "blocked": 1}}
    assert "spec.http[0].timeout" in stopped(run).why
