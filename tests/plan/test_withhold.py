"""What may not be written: modes, suspension, holds, foreign owners, partial views, guards and their confirmation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.documents import Broken
from reconciler.model.findings import Position
from reconciler.model.intents import Hold
from reconciler.model.live import LiveObject
from reconciler.model.native import OWNER_LABEL, SOURCE_ANNOTATION
from reconciler.model.plans import Action, Reason
from reconciler.model.refs import DocRef, KindId
from reconciler.model.settings import AdoptRule, Limits, Mode, Settings, Suspend
from reconciler.plan.rules import Selection
from tests.plan.builders import (
    KINDS,
    NOW,
    ROUTE,
    SPACE,
    TABLE,
    TARGET,
    as_live,
    desired_state,
    entry,
    lives,
    native,
    only,
    plan_of,
)


def foreign(live: LiveObject, owner: str | None = None, **annotations: str) -> LiveObject:
    body = live.body()
    if owner is None:
        del body["metadata"]["labels"]
    else:
        body["metadata"]["labels"][OWNER_LABEL] = owner
    body["metadata"]["annotations"] |= annotations
    return as_live(body)


@pytest.mark.parametrize(
    ("settings", "cluster", "reason"),
    [
        (Settings(), {}, Reason.REPORT_MODE),
        (Settings(mode=Mode.APPLY), {"mode": Mode.REPORT}, Reason.REPORT_MODE),
        (Settings(mode=Mode.REPORT), {"mode": Mode.APPLY}, Reason.REPORT_MODE),
        (Settings(mode=Mode.APPLY), {"read_only": True}, Reason.READ_ONLY),
        (Settings(mode=Mode.APPLY), {"read_only": True, "mode": Mode.APPLY}, Reason.READ_ONLY),
        (Settings(mode=Mode.APPLY, suspend=Suspend("incident")), {}, Reason.SUSPENDED),
        (Settings(mode=Mode.APPLY), {"suspend": Suspend("move", NOW + timedelta(1))}, Reason.SUSPENDED),
        (Settings(mode=Mode.APPLY), {"suspend": Suspend("over", NOW - timedelta(1))}, None),
        (Settings(mode=Mode.APPLY), {}, None),
    ],
)
def test_the_more_careful_mode_holds(settings: Settings, cluster: dict[str, object], reason: Reason | None) -> None:
    change = only(plan_of([native("a", {})], desired=desired_state(settings, cluster=cluster), settings=settings))
    assert change.withheld is reason


def test_drift_alone_is_left_when_self_heal_is_off() -> None:
    asked = native("a", {"x": 1})
    settings = Settings(mode=Mode.APPLY, self_heal=False)
    assert only(plan_of([asked], [lives(asked, spec={"x": 2})], before=[asked], settings=settings)).withheld is (
        Reason.SELF_HEAL_OFF
    )
    changed = native("a", {"x": 3})
    assert only(plan_of([changed], [lives(asked)], before=[asked], settings=settings)).withheld is None


def test_objects_of_others_are_never_written() -> None:
    asked = native("a", {"x": 1})
    live = lives(asked, spec={"x": 2})
    for there, reason in (
        (foreign(live), Reason.UNOWNED),
        (foreign(live, "another"), Reason.FOREIGN_OWNER),
        (foreign(live, "main", **{SOURCE_ANNOTATION: "repo-2"}), Reason.FOREIGN_OWNER),
        (lives(asked, spec={"x": 2}, managers=[entry("kubectl", {"f:spec": {"f:x": {}}})]), Reason.UNOWNED),
    ):
        assert only(plan_of([asked], [there])).withheld is reason


def test_our_field_manager_without_our_label_is_ours() -> None:
    asked = native("a", {"x": 1})
    live = foreign(lives(asked, managers=[entry("mesh-reconciler", {"f:spec": {"f:x": {}}}, op="Apply")]))
    change = only(plan_of([asked], [live]))
    assert (change.action, change.withheld, change.adopt) == (Action.UPDATE, None, False)
    assert "metadata.labels" in {field.path.split("[")[0] for field in change.fields}


@pytest.mark.parametrize(
    "settings",
    [
        Settings(mode=Mode.APPLY, adopt_unowned=True),
        Settings(mode=Mode.APPLY, adopt=(AdoptRule(ROUTE.kind, "shop", "a"),)),
    ],
)
def test_adoption_on_request(settings: Settings) -> None:
    asked = native("a", {"x": 1})
    change = only(plan_of([asked], [foreign(lives(asked))], settings=settings))
    assert (change.action, change.adopt, change.withheld) == (Action.UPDATE, True, None)


def test_prune_takes_only_what_is_ours() -> None:
    gone, theirs, copied = native("gone", {}), native("theirs", {}), native("copied", {})
    live = [
        lives(gone),
        foreign(lives(theirs), "another"),
        lives(copied, managers=[entry("kubectl", {"f:spec": {}})]),
    ]
    kept = native("kept", {})
    plan = plan_of([kept], [*live, lives(kept)], before=[gone, kept])
    assert [(c.key.name, c.action) for c in plan.changes] == [("kept", Action.KEEP), ("gone", Action.PRUNE)]


def test_prune_off_partial_view_and_broken_inventory_keep_objects() -> None:
    gone, kept = native("gone", {}), native("kept", {})
    live = [lives(gone), lives(kept)]
    broken = desired_state(broken=(Broken("desired-state/m.yaml", DocRef("Mesh", "default", "m"), "bad"),))
    for reason, more in (
        (Reason.PRUNE_OFF, {"settings": Settings(mode=Mode.APPLY, prune=False)}),
        (Reason.PARTIAL_VIEW, {"cluster": {"unread": {KindId("x", "Y"): "403"}}}),
        (Reason.PARTIAL_VIEW, {"desired": broken}),
        (Reason.PARTIAL_VIEW, {"stale_clusters": frozenset({TARGET.cluster})}),
        (Reason.PARTIAL_VIEW, {"holds": [Hold(None, None, "group_vars/all.yaml is broken")]}),
    ):
        assert plan_of([kept], live, before=[gone, kept], **more).changes[1].withheld is reason


def test_a_held_policy_freezes_what_it_made_and_nothing_else() -> None:
    both, other = native("both", {"x": 1}), native("other", {"x": 1}, policy="q")
    hold = Hold(DocRef("TrafficPolicy", "default", "p"), None, "policies/p.yaml is broken")
    # p is broken: "both" is now asked for by q alone, in another form; "other" never came from p
    without_p = native("both", {"x": 2}, policy="q")
    plan = plan_of([without_p, native("other", {"x": 2}, policy="q")], [lives(both), lives(other)], holds=[hold])
    assert [(c.key.name, c.withheld) for c in plan.changes] == [("both", Reason.FROZEN), ("other", None)]
    pruned = plan_of([other], [lives(both), lives(other)], holds=[hold])
    assert [c.withheld for c in pruned.changes] == [None, Reason.FROZEN]


def test_refused_on_another_object_does_not_freeze_this_one() -> None:
    asked = native("a", {"x": 2})
    hold = Hold(DocRef("TrafficPolicy", "default", "p"), TARGET, "refused for another service")
    assert only(plan_of([asked], [lives(native("a", {"x": 1}))], holds=[hold])).withheld is None


def objects(count: int, namespace: str = "shop") -> list:
    return [native(f"o{number:02}", {}, namespace=namespace) for number in range(count)]


@pytest.mark.parametrize(
    ("kept", "gone", "limits", "guarded"),
    [
        (10, 3, Limits(), False),
        (10, 5, Limits(), True),  # 33 % of 15
        (10, 5, Limits(max_delete_percent=50), False),
        (100, 21, Limits(max_delete_percent=100), True),
        (100, 20, Limits(max_delete_percent=100), False),
        (1, 3, Limits(), False),  # too few for a share to say much
        (0, 1, Limits(), True),  # nothing is asked for any more
    ],
)
def test_guards_on_the_number_of_deletes(kept: int, gone: int, limits: Limits, guarded: bool) -> None:
    asked = objects(kept)
    lost = [native(f"gone{number:02}", {}) for number in range(gone)]
    settings = Settings(mode=Mode.APPLY, limits=limits)
    plan = plan_of(asked, [lives(one) for one in (*asked, *lost)], before=[*asked, *lost], settings=settings)
    assert {c.withheld for c in plan.changes if c.action is Action.PRUNE} == {Reason.GUARD if guarded else None}
    assert bool(plan.targets[0].guard_fingerprint) is guarded


@pytest.mark.parametrize(
    ("changed", "limit", "guarded"),
    [(4, 40.0, False), (5, 40.0, True), (10, 100.0, False), (1, 0.0, True), (0, 0.0, False)],
)
def test_guard_on_the_share_of_changes(changed: int, limit: float, guarded: bool) -> None:
    """Of ten that live, some change, and one is new."""
    asked = [native(f"n{index}", {"x": 2 if index < changed else 1}) for index in range(10)] + [native("new", {})]
    live = [lives(native(f"n{index}", {"x": 1})) for index in range(10)]
    settings = Settings(mode=Mode.APPLY, limits=Limits(max_changed_percent=limit))
    plan = plan_of(asked, live, settings=settings)
    stopped = [change for change in plan.changes if change.withheld is Reason.GUARD]
    assert len(stopped) == (changed if guarded else 0)
    assert {change.action for change in stopped} <= {Action.UPDATE}
    assert [change.writes for change in plan.changes if change.key.name == "new"] == [True]
    assert bool(plan.targets[0].guard_fingerprint) is guarded
    if guarded:
        assert f"{changed} of 10 objects would change" in plan.targets[0].guards[0]


def test_emptying_a_namespace_is_guarded() -> None:
    kept = objects(20)
    lost = objects(3, "cart")
    plan = plan_of(kept, [lives(one) for one in (*kept, *lost)], before=[*kept, *lost])
    assert plan.targets[0].guards == ("all 3 objects in namespace cart would be pruned",)


def test_protected_kinds_are_not_deleted() -> None:
    space = native("shop", {}, SPACE)
    kept = objects(20)
    plan = plan_of(kept, [lives(one) for one in (*kept, space)], before=[*kept, space])
    assert [c.withheld for c in plan.changes if c.action is Action.PRUNE] == [Reason.PROTECTED]


def test_what_others_have_a_part_in_is_not_removed_unasked() -> None:
    one_for_all = replace(TABLE, exclusive=False, parts=("logs",))
    kept, ours = objects(20), native("global", {"logs": {"on": True}}, TABLE)
    for said, theirs in (({}, False), ({"config": {"protocol": "http"}}, True)):
        live = [*map(lives, kept), lives(ours, spec={**ours.body["spec"], **said})]
        for before in ([*kept, ours], kept):
            plan = plan_of(kept, live, before=before, kinds={**KINDS, TABLE.kind: one_for_all}).targets[0]
            (pruned,) = (change for change in plan.changes if change.action is Action.PRUNE)
            assert pruned.withheld is (Reason.PROTECTED if theirs else None)
            assert ("/spec/config" in pruned.why) is theirs
            assert bool(plan.guard_fingerprint) is theirs


def test_confirmation_covers_exactly_what_was_withheld() -> None:
    asked, lost = objects(10), [native(f"gone{number}", {}) for number in range(5)]
    live = [lives(one) for one in (*asked, *lost)]
    first = plan_of(asked, live, before=[*asked, *lost]).targets[0]
    confirmed = frozenset({first.guard_fingerprint})
    assert not [c for c in plan_of(asked, live, before=[*asked, *lost], confirmed=confirmed).changes if c.withheld]
    more = [*live, lives(native("gone9", {}))]
    again = plan_of(asked, more, before=[*asked, *lost], confirmed=confirmed).targets[0]
    assert again.guard_fingerprint not in ("", first.guard_fingerprint)


def test_guards_do_not_count_what_is_withheld_anyway() -> None:
    lost = [native(f"gone{number}", {}) for number in range(30)]
    plan = plan_of([native("kept", {})], [lives(one) for one in lost], before=lost, settings=Settings())
    assert {c.withheld for c in plan.changes} == {Reason.REPORT_MODE}


def test_a_foreign_object_for_the_same_host_is_not_fought() -> None:
    asked = native("a", {"host": "h"})
    rival = foreign(lives(native("theirs", {"host": "h"})))
    change = only(plan_of([asked], [rival], claims=lambda body: (body["spec"].get("host", ""),)))
    assert change.withheld is Reason.FOREIGN_HOST
    assert "Route shop/theirs" in change.why


def test_selection_withholds_the_rest() -> None:
    plan = plan_of([native("a", {}), native("t", {}, TABLE, policy="q")], selection=Selection(policies=("q",)))
    assert [(c.key.name, c.withheld) for c in plan.changes] == [("a", Reason.NOT_SELECTED), ("t", None)]
    plan = plan_of([native("a", {}), native("t", {}, TABLE)], selection=Selection(kinds=("route",)))
    assert [c.withheld for c in plan.changes] == [None, Reason.NOT_SELECTED]


def test_fingerprint_is_of_the_meaning_and_not_of_the_commit() -> None:
    asked = native("a", {"x": 1})
    live = [lives(native("a", {"x": 0}))]
    one = plan_of([asked], live).fingerprint
    assert one == plan_of([asked], live, desired=desired_state(revision="d" * 40)).fingerprint
    moved = replace(asked, origins=(replace(asked.origins[0], position=Position("elsewhere.yaml", 9)),))
    assert one == plan_of([moved], live).fingerprint
    assert one != plan_of([native("a", {"x": 2})], live).fingerprint
    assert one != plan_of([asked], [lives(native("a", {"x": 5}))]).fingerprint


def test_kind_that_the_cluster_does_not_serve_is_blocked() -> None:
    change = only(plan_of([native("a", {})], cluster={"absent": frozenset({ROUTE.kind})}))
    assert (change.action, change.withheld) == (Action.CREATE, Reason.KIND_ABSENT)
