"""One object: created, in sync, changed by a commit, drifted, or both; and who did it."""

from __future__ import annotations

import pytest

from reconciler.model.live import Prediction
from reconciler.model.plans import Action, Cause, Reason
from reconciler.model.settings import IgnoreRule, Mode, Settings
from reconciler.plan.compare import desired_hash
from tests.plan.builders import OURS, ROUTE, SHARED, as_live, entry, lives, native, only, plan_of, setting


def test_absent_object_is_created() -> None:
    change = only(plan_of([native("a", {"x": 1})]))
    assert (change.action, change.causes, change.withheld) == (Action.CREATE, (Cause.COMMIT,), None)
    assert change.desired["metadata"]["labels"]["reconciler.dev/owner"] == "main"
    assert change.desired["metadata"]["annotations"]["reconciler.dev/origin"] == "TrafficPolicy/default/p"


def test_object_as_asked_is_kept_and_proven() -> None:
    asked = native("a", {"x": 1})
    plan = plan_of([asked], [lives(asked, rv="7")], before=[asked])
    assert only(plan).action is Action.KEEP
    assert plan.targets[0].proven == {asked.key: (desired_hash(asked, setting()), "7")}


def test_a_new_commit_that_changes_nothing_writes_nothing() -> None:
    asked = native("a", {"x": 1})
    change = only(plan_of([asked], [lives(asked, commit="c" * 40)], before=[asked]))
    assert change.action is Action.KEEP


def test_new_commit_is_a_change_and_no_drift() -> None:
    old, new = native("a", {"x": 1}), native("a", {"x": 2})
    change = only(plan_of([new], [lives(old)], before=[old]))
    assert (change.action, change.causes, change.drifted) == (Action.UPDATE, (Cause.COMMIT,), False)
    assert [(f.path, f.before, f.after) for f in change.fields] == [("spec.x", 1, 2)]


def test_hand_edit_is_drift_and_names_the_author() -> None:
    asked = native("a", {"x": 1})
    managers = [
        entry(OURS, {"f:spec": {"f:y": {}}}, op="Apply"),
        entry("kubectl-edit", {"f:spec": {"f:x": {}}}, "2026-11-21T11:30:00Z"),
    ]
    change = only(plan_of([asked], [lives(asked, spec={"x": 5}, managers=managers)], before=[asked]))
    assert change.causes == (Cause.DRIFT,)
    (field,) = change.fields
    assert (field.drift, field.author.manager, field.author.time) == (True, "kubectl-edit", "2026-11-21T11:30:00Z")


def test_hand_edit_and_new_commit_are_told_apart_by_field() -> None:
    old, new = native("a", {"x": 1, "y": 1}), native("a", {"x": 1, "y": 2})
    change = only(plan_of([new], [lives(old, spec={"x": 9, "y": 1})], before=[old]))
    assert change.causes == (Cause.COMMIT, Cause.DRIFT)
    assert {field.path: field.drift for field in change.fields} == {"spec.x": True, "spec.y": False}


def test_changed_facts_are_not_drift_while_nobody_else_wrote() -> None:
    then, now = native("a", {"x": 1}), native("a", {"x": 2})
    live = lives(then, rv="7")
    # the last applied commit, compiled with today's facts, asks the same as the new one
    change = only(plan_of([now], [live], before=[now], proven={now.key: (desired_hash(then, setting()), "7")}))
    assert (change.action, change.causes) == (Action.UPDATE, (Cause.FACTS,))


@pytest.mark.parametrize(("left", "right"), [(True, 1), ("1", 1), (None, 0), ({}, []), ("", None)])
def test_values_that_python_confuses_are_told_apart(left: object, right: object) -> None:
    asked = native("a", {"x": left})
    assert only(plan_of([asked], [lives(asked, spec={"x": right})], before=[asked])).action is Action.UPDATE


def test_whole_floats_are_integers() -> None:
    asked = native("a", {"x": 1})
    assert only(plan_of([asked], [lives(asked, spec={"x": 1.0})], before=[asked])).action is Action.KEEP


def test_keys_that_begin_with_underscores_are_seen() -> None:
    asked = native("a", {"__x": "1"})
    change = only(plan_of([asked], [lives(asked, spec={"__x": "2"})], before=[asked]))
    assert [field.path for field in change.fields] == ["spec.__x"]


def test_foreign_field_on_an_exclusive_object_is_removed() -> None:
    asked = native("a", {"x": 1})
    managers = [
        entry(OURS, {"f:spec": {"f:x": {}}}, op="Apply"),
        entry("kubectl-edit", {"f:spec": {"f:y": {"f:z": {}}}}),
    ]
    live = lives(asked, spec={"x": 1, "y": {"z": 3}}, managers=managers)
    predicted = {asked.key: Prediction(live.body())}
    change = only(plan_of([asked], [live], before=[asked], predictions=predicted))
    assert change.foreign_paths == ("/spec/y",)
    assert [(field.path, field.op, field.author.manager) for field in change.fields] == [
        ("spec.y", "remove", "kubectl-edit")
    ]


def test_field_that_nobody_owns_is_a_webhooks_and_left() -> None:
    asked = native("a", {"x": 1})
    live = lives(asked, spec={"x": 1, "added": True}, managers=[entry(OURS, {"f:spec": {"f:x": {}}}, op="Apply")])
    change = only(plan_of([asked], [live], before=[asked], predictions={asked.key: Prediction(live.body())}))
    assert change.action is Action.KEEP


def test_foreign_field_on_a_shared_object_is_left() -> None:
    asked = native("a", {"ports": [1]}, SHARED)
    managers = [entry(OURS, {"f:spec": {"f:ports": {}}}, op="Apply"), entry("other", {"f:spec": {"f:more": {}}})]
    change = only(plan_of([asked], [lives(asked, spec={"ports": [1], "more": 1}, managers=managers)], before=[asked]))
    assert change.action is Action.KEEP


def test_label_that_git_no_longer_has_is_removed() -> None:
    asked = native("a", {"x": 1})
    managers = [entry(OURS, {"f:metadata": {"f:labels": {"f:old": {}}}, "f:spec": {"f:x": {}}}, op="Apply")]
    body = lives(asked, managers=managers).body()
    body["metadata"]["labels"]["old"] = "1"
    change = only(plan_of([asked], [as_live(body)], before=[asked]))
    assert [(field.path, field.op) for field in change.fields] == [("metadata.labels.old", "remove")]


def test_labels_of_others_do_not_count() -> None:
    asked = native("a", {"x": 1})
    body = lives(asked).body()
    body["metadata"]["labels"]["theirs"] = "1"
    assert only(plan_of([asked], [as_live(body)], before=[asked])).action is Action.KEEP


def test_ignored_path_takes_the_live_value_in_what_is_applied() -> None:
    asked = native("a", {"routes": [{"weight": 90}, {"weight": 10}], "x": 2})
    settings = Settings(mode=Mode.APPLY, ignore=(IgnoreRule(ROUTE.kind, paths=("spec.routes[*].weight",)),))
    live = lives(asked, spec={"routes": [{"weight": 50}, {"weight": 50}], "x": 1})
    change = only(plan_of([asked], [live], before=[asked], settings=settings))
    assert [field.path for field in change.fields] == ["spec.x"]
    assert change.desired["spec"] == {"routes": [{"weight": 50}, {"weight": 50}], "x": 2}


def test_manager_rule_holds_only_while_that_manager_owns() -> None:
    asked = native("a", {"routes": [{"weight": 90}]})
    settings = Settings(mode=Mode.APPLY, ignore=(IgnoreRule(ROUTE.kind, managers=("flagger",)),))
    by_flagger = lives(
        asked, spec={"routes": [{"weight": 50}]}, managers=[entry("flagger", {"f:spec": {"f:routes": {}}})]
    )
    by_hand = lives(asked, spec={"routes": [{"weight": 50}]}, managers=[entry("kubectl", {"f:spec": {"f:routes": {}}})])
    ours = entry(OURS, {"f:metadata": {"f:labels": {"f:reconciler.dev/owner": {}}}}, op="Apply")
    for live, action in ((by_flagger, Action.KEEP), (by_hand, Action.UPDATE)):
        body = live.body()
        body["metadata"]["managedFields"].append(ours)
        assert only(plan_of([asked], [as_live(body)], before=[asked], settings=settings)).action is action


def test_deleted_by_hand_is_drift() -> None:
    asked = native("a", {"x": 1})
    change = only(plan_of([asked], before=[asked], proven={asked.key: ("h", "7")}))
    assert (change.action, change.causes) == (Action.CREATE, (Cause.DRIFT,))


def test_refused_dry_run_is_withheld_with_the_servers_words() -> None:
    asked = native("a", {"x": 2})
    predictions = {asked.key: Prediction(None, "spec.x: must be 1")}
    change = only(plan_of([asked], [lives(asked, spec={"x": 1})], predictions=predictions))
    assert (change.withheld, change.why) == (Reason.REFUSED, "spec.x: must be 1")


@pytest.mark.parametrize("allowed", [True, False])
def test_immutable_field_is_replaced_only_when_allowed(allowed: bool) -> None:
    asked = native("a", {"x": 2})
    predictions = {asked.key: Prediction(None, "field is immutable", immutable=True)}
    settings = Settings(mode=Mode.APPLY, replace_immutable=allowed)
    change = only(plan_of([asked], [lives(asked, spec={"x": 1})], predictions=predictions, settings=settings))
    if allowed:
        assert (change.action, change.withheld) == (Action.REPLACE, None)
    else:
        assert (change.action, change.withheld) == (Action.UPDATE, Reason.IMMUTABLE)


def test_field_that_the_clusters_crd_would_drop_is_not_written() -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": {"type": "integer"}}}}}
    asked = native("a", {"x": 1, "newer": {"y": 2}})
    change = only(plan_of([asked], cluster={"schemas": {(ROUTE.kind, "v1"): schema}}))
    assert change.withheld is Reason.REFUSED
    assert "spec.newer" in change.why


def test_defaults_of_the_clusters_crd_are_no_drift() -> None:
    item = {"type": "object", "properties": {"n": {"type": "string"}, "w": {"type": "integer", "default": 1}}}
    spec = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": item}, "p": {"type": "string", "default": "d"}},
    }
    schema = {"type": "object", "properties": {"spec": spec}}
    asked = native("a", {"items": [{"n": "a"}]})
    live = lives(asked, spec={"items": [{"n": "a", "w": 1}], "p": "d"})
    change = only(plan_of([asked], [live], before=[asked], cluster={"schemas": {(ROUTE.kind, "v1"): schema}}))
    assert change.action is Action.KEEP
