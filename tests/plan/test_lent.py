"""Keys of ours on objects of others: nothing else of them is touched, and none is ever created or deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.live import LiveObject
from reconciler.model.native import MANAGED_BY_LABEL, OWNER_LABEL, SOURCE_ANNOTATION, NativeObject
from reconciler.model.plans import Action, Cause, Reason
from reconciler.model.settings import AdoptRule, Mode, Settings
from reconciler.plan.rights import writing
from reconciler.plan.stamp import stamp
from tests.plan.builders import OURS, SHARED, SPACE, as_live, entry, native, only, plan_of, setting

KEY = "balancer.example.org/limit"


def asks(limit: str = "5", name: str = "b", **more: str) -> NativeObject:
    made = native(name, {}, SHARED)
    annotations = {KEY: limit, **{key.replace("_", "-"): value for key, value in more.items()}}
    body = {part: made.body[part] for part in ("apiVersion", "kind")}
    metadata = {**made.body["metadata"], "annotations": annotations}
    return replace(made, body={**body, "metadata": metadata}, lent=True)


def theirs(managers: bool = True, **annotations: str) -> LiveObject:
    """A Service that Helm wrote."""
    metadata: dict[str, Any] = {
        "name": "b", "namespace": "shop", "resourceVersion": "3",
        "labels": {MANAGED_BY_LABEL: "Helm"}, "annotations": {"theirs": "1", **annotations},
    }  # fmt: skip
    if managers:
        written = {f"f:{key}": {} for key in annotations}
        metadata["managedFields"] = [entry("helm", {"f:metadata": {"f:annotations": written}})]
    return as_live({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}})


def after(asked: NativeObject, managers: bool = True, **changed: str) -> LiveObject:
    """The same Service once we put our keys on it; ``changed``: what somebody changed of them since."""
    body = theirs(managers=False).body()
    ours = stamp(asked, setting().mark)["metadata"]["annotations"]
    body["metadata"]["annotations"] |= ours | {KEY if key == "limit" else key: value for key, value in changed.items()}
    if managers:
        mine = {f"f:{key}": {} for key in ours if not (changed and key == KEY)}
        body["metadata"]["managedFields"] = [
            entry("helm", {"f:metadata": {"f:annotations": {"f:theirs": {}}}}),
            entry(OURS, {"f:metadata": {"f:annotations": mine}}, op="Apply"),
        ]
    return as_live(body)


def test_what_is_applied_has_our_keys_and_no_label() -> None:
    change = only(plan_of([asks()], [theirs()]))
    assert (change.action, change.withheld, change.lent) == (Action.UPDATE, None, True)
    assert change.desired["metadata"]["annotations"] == {
        KEY: "5",
        "reconciler.dev/commit": "b" * 40,
        "reconciler.dev/keys": f"annotations/{KEY}",
        "reconciler.dev/mesh": "mesh-eu",
        "reconciler.dev/origin": "TrafficPolicy/default/p",
        "reconciler.dev/owner": "main",
        "reconciler.dev/source": "repo-1",
    }
    assert set(change.desired["metadata"]) == {"name", "namespace", "annotations"}
    assert set(change.desired) == {"apiVersion", "kind", "metadata"}


@pytest.mark.parametrize("managers", [True, False])
def test_an_object_with_our_keys_is_in_sync_whatever_else_its_owner_writes(managers: bool) -> None:
    live = after(asks(), managers).body()
    live["metadata"]["annotations"]["more"] = "theirs"
    live["spec"]["ports"] = [{"port": 81}]
    assert only(plan_of([asks()], [as_live(live)], before=[asks()])).action is Action.KEEP


def test_an_object_that_is_not_there_is_not_created() -> None:
    change = only(plan_of([asks()]))
    assert (change.action, change.withheld) == (Action.UPDATE, Reason.ABSENT)
    assert not change.writes


@pytest.mark.parametrize("managers", [True, False])
def test_an_edit_of_our_key_is_drift_and_healed(managers: bool) -> None:
    change = only(plan_of([asks()], [after(asks(), managers, limit="9")], before=[asks()]))
    assert (change.causes, change.withheld) == ((Cause.DRIFT,), None)
    assert [(f.before, f.after) for f in change.fields] == [("9", "5")]


def test_a_key_that_somebody_else_has_set_is_theirs_until_it_is_adopted() -> None:
    live = theirs(**{KEY: "7"})
    change = only(plan_of([asks()], [live]))
    assert change.withheld is Reason.UNOWNED
    assert f"annotation {KEY} is '7', by helm" in change.why
    settings = Settings(mode=Mode.APPLY, adopt=(AdoptRule(SHARED.kind, "shop", "b"),))
    taken = only(plan_of([asks()], [live], settings=settings))
    assert (taken.withheld, taken.adopt) == (None, True)


def test_the_same_value_of_somebody_else_is_no_conflict() -> None:
    assert only(plan_of([asks()], [theirs(**{KEY: "5"})])).withheld is None


@pytest.mark.parametrize("managers", [True, False])
def test_a_removed_policy_takes_exactly_our_keys_off(managers: bool) -> None:
    change = only(plan_of([], [after(asks(), managers)], before=[asks()], settings=_few()))
    assert (change.action, change.lent) == (Action.PRUNE, True)
    assert change.desired == {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b", "namespace": "shop"}}
    assert [(field.path, field.op, field.before) for field in change.fields] == [
        (f'metadata.annotations["{KEY}"]', "remove", "5")
    ]


def _few() -> Settings:
    return Settings(mode=Mode.APPLY)


def test_a_copied_mark_is_not_ours_to_take_off() -> None:
    body = after(asks()).body()
    body["metadata"]["managedFields"] = [entry("kubectl-create", {"f:metadata": {}})]
    assert plan_of([], [as_live(body)], before=[]).changes == ()
    change = only(plan_of([asks("6")], [as_live(body)]))
    assert change.withheld is Reason.UNOWNED


@pytest.mark.parametrize(
    ("mark", "value"),
    [(OWNER_LABEL, "another"), (SOURCE_ANNOTATION, "repo-2"), ("reconciler.dev/mesh", "mesh-us")],
)
def test_keys_of_another_reconciler_repository_or_mesh_are_left_alone(mark: str, value: str) -> None:
    body = after(asks()).body()
    body["metadata"]["annotations"][mark] = value
    assert [c for c in plan_of([], [as_live(body)], before=[]).changes if c.target.mesh == "mesh-eu"] == []
    changes = [c for c in plan_of([asks("6")], [as_live(body)]).changes if c.action is Action.UPDATE]
    assert [change.withheld for change in changes] == [Reason.FOREIGN_OWNER]


def test_an_object_that_a_reconciler_wrote_wholly_gets_no_second_apply() -> None:
    """A server-side apply of keys alone by the same field manager would remove all the rest of it."""
    body = theirs().body()
    body["metadata"]["labels"][OWNER_LABEL] = "main"
    assert [c.withheld for c in plan_of([asks()], [as_live(body)]).changes] == [Reason.FOREIGN_OWNER]


def test_a_whole_object_is_not_written_over_somebody_elses_with_our_keys() -> None:
    change = only(plan_of([native("b", {"ports": []}, SHARED)], [after(asks())]))
    assert change.withheld is Reason.UNOWNED


def test_writing_keys_asks_for_no_right_to_create_or_delete() -> None:
    rights = writing([replace(SPACE, lent=True)], deletes=True)
    assert {right.verb for right in rights} == {"get", "patch"}


def test_keys_go_from_an_object_of_a_protected_kind() -> None:
    """It is not the object that goes."""
    asked, other = asks(), native("z", {})
    settings = Settings(mode=Mode.APPLY, protect=(SHARED.kind,))
    changes = plan_of([other], [after(asked)], before=[asked], settings=settings).changes
    assert [(c.action, c.withheld) for c in changes if c.lent] == [(Action.PRUNE, None)]
