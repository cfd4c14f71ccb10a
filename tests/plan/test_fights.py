"""Something else changes an object back after each heal: told with its name and a rule to paste, then left alone."""

from __future__ import annotations

from datetime import timedelta

import yaml

from reconciler.model.plans import Change, Reason
from reconciler.model.refs import KindId
from reconciler.model.settings import IgnoreRule, Mode, Settings
from reconciler.plan.fights import ROUNDS, WINDOW, Fights, advance, without_ended
from tests.plan.builders import NOW, OURS, TARGET, entry, lives, native, only, plan_of

MINUTE = timedelta(minutes=1)


def drifted(x: int = 5, asked: int = 1, fights: Fights | None = None, settings: Settings | None = None) -> Change:
    wanted = native("a", {"x": asked})
    managers = [
        entry(OURS, {"f:metadata": {"f:labels": {"f:reconciler.dev/owner": {}}}}, op="Apply"),
        entry("flagger", {"f:spec": {"f:x": {}}}, "2026-11-21T11:59:00Z"),
    ]
    live = lives(wanted, spec={"x": x}, managers=managers)
    more = {"fights": {TARGET: fights}} if fights else {}
    change: Change = only(plan_of([wanted], [live], before=[wanted], settings=settings, **more))
    return change


def healed(times: int, every: timedelta = MINUTE) -> Fights:
    known: Fights = {}
    for number in range(times):
        known = advance(known, [drifted()], NOW + number * every)
    return known


def test_it_is_healed_some_rounds_and_then_left_alone() -> None:
    assert drifted(fights=healed(ROUNDS - 1)).withheld is None
    given_up = drifted(fights=healed(ROUNDS))
    assert given_up.withheld is Reason.FOUGHT
    assert given_up.why.startswith(f"flagger changed it back {ROUNDS} times")


def test_the_rule_to_paste_ends_the_fight() -> None:
    why = drifted(fights=healed(ROUNDS)).why
    rule = yaml.safe_load(why[why.index("{") : why.rindex("}") + 1])
    group, _, kind = rule["gvk"].split("/")
    pasted = IgnoreRule(KindId(group, kind), tuple(rule["names"]), managers=tuple(rule["managers"]))
    assert not drifted(settings=Settings(mode=Mode.APPLY, ignore=(pasted,))).pending


def test_heals_far_apart_are_no_fight() -> None:
    assert drifted(fights=healed(ROUNDS * 3, every=WINDOW * 2)).withheld is None


def test_another_value_in_git_begins_anew() -> None:
    assert drifted(asked=2, fights=healed(ROUNDS)).withheld is None


def test_a_fight_that_was_given_up_ends_when_the_object_is_as_asked() -> None:
    known = healed(ROUNDS)
    assert without_ended(known, [drifted()]) == known
    assert without_ended(known, [drifted(x=1)]) == {}
    assert without_ended(healed(ROUNDS - 1), [drifted(x=1)]) == healed(ROUNDS - 1)
