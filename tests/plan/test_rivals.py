"""Foreign objects of other kinds that a mesh uses in place of ours: ours is not written beside one, and one that comes
later is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.model.live import LiveCluster, LiveState
from reconciler.model.native import Compiled
from reconciler.model.plans import Action, Plan, Reason
from reconciler.plan.build import build_plan
from reconciler.plan.rules import Behaviour
from tests.plan.builders import ROUTE, TABLE, TARGET, as_live, desired_state, lives, native, only, rules


def claims(body: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"calls of {body['spec']['of']}",)


PROFILE = {
    "apiVersion": "example.org/v1",
    "kind": "Table",
    "metadata": {"name": "profile", "namespace": "shop"},
    "spec": {"of": "a"},
}


def planned(live: tuple[Any, ...], *, told: bool = True) -> Plan:
    asked = native("a", {"of": "a"}, ROUTE)
    others = frozenset({TABLE.kind}) if told else frozenset()
    known = replace(rules(), behaviours={"test": Behaviour(dict, claims, str, others)})
    state = LiveState({TARGET.cluster: LiveCluster(TARGET.cluster, {one.key: one for one in live})})
    return build_plan(desired_state(), Compiled("b" * 40, {TARGET: (asked,)}), {TARGET: (asked,)}, state, known)


def test_a_route_is_not_written_beside_one() -> None:
    change = only(planned((as_live(PROFILE),)))
    assert (change.action, change.withheld) == (Action.CREATE, Reason.FOREIGN_HOST)
    assert "Table" in change.why
    assert "adopt" not in change.why


def test_one_that_comes_later_is_told_and_what_is_ours_stays() -> None:
    plan = planned((lives(native("a", {"of": "a"}, ROUTE)), as_live(PROFILE)))
    assert only(plan).action is Action.KEEP
    (health,) = plan.targets[0].health
    assert (health.key.name, "in place of this" in health.health.message) == ("a", True)


def test_another_kind_is_none_where_the_mesh_does_not_say_so() -> None:
    assert only(planned((as_live(PROFILE),), told=False)).withheld is None
