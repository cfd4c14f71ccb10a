"""Whole runs on directory clusters: from a commit to live objects, drift, prune, guards, holds and the record."""

from __future__ import annotations

import pytest

from reconciler.model.plans import Action, Reason
from reconciler.pipeline.state import last_status
from reconciler.ports import SourceError, StoreError
from reconciler.report.paint import plain
from reconciler.report.plan_text import plan_text
from reconciler.report.status_text import status_text
from tests.pipeline.fleet import FACTS, Fleet, codes, rows, service

REVIEWS = "{to: [reviews.shop], rule: {route: {v1: 50, v2: 50}, timeout: 3s}}"


def test_first_run_applies_and_second_finds_nothing(fleet: Fleet) -> None:
    first = fleet.apply()
    assert first.code == 0, first.planned.findings
    assert set(fleet.live()) == {"VirtualService reviews", "DestinationRule reviews", "VirtualService cart"}
    second = fleet.apply()
    assert (second.code, rows(second)) == (0, {"eu/mesh": {"ok": 3}})
    assert not [event for event in fleet.events(run=second.id) if event.type != "run.finished"]


def test_plan_writes_nothing(fleet: Fleet) -> None:
    run = fleet.plan()
    assert run.code == 2
    assert fleet.live() == {}
    assert fleet.events() == []


def test_a_commit_changes_only_what_it_says(fleet: Fleet) -> None:
    fleet.apply()
    before = fleet.live()
    fleet.policy("reviews", REVIEWS)
    sha = fleet.commit("half and half")
    run = fleet.apply()
    assert rows(run) == {"eu/mesh": {"ok": 2, "changed": 1}}
    after = fleet.live()
    assert [name for name in after if after[name] != before[name]] == ["VirtualService reviews"]
    assert after["VirtualService reviews"]["metadata"]["annotations"]["reconciler.dev/commit"] == sha
    (event,) = fleet.events(run=run.id, type="object.*")
    assert (event.type, event.commit.sha, event.commit.subject) == ("object.updated", sha, "half and half")
    assert [(o.path, o.kind, o.name) for o in event.origins] == [
        ("policies/reviews.yaml", "TrafficPolicy", "default/reviews")
    ]


def test_moving_a_file_writes_nothing(fleet: Fleet) -> None:
    fleet.apply()
    fleet.git("mv", "policies/reviews.yaml", "policies/moved.yaml")
    fleet.commit("move")
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 3}}


def test_hand_edit_is_drift_reported_once_and_healed(fleet: Fleet) -> None:
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    plan = fleet.plan()
    (change,) = [c for c in plan.planned.plan.changes if c.pending]
    assert [(f.path, f.before, f.after, f.drift) for f in change.fields] == [
        ("spec.http[0].timeout", "30s", "3s", True)
    ]
    healed = fleet.apply()
    assert rows(healed) == {"eu/mesh": {"ok": 2, "changed": 1, "drifted": 1}}
    types = [event.type for event in fleet.events(run=healed.id)]
    assert types == ["drift.detected", "object.updated", "drift.ended", "run.finished"]
    assert fleet.live()["VirtualService reviews"]["spec"]["http"][0]["timeout"] == "3s"


def test_reported_drift_is_one_event_and_not_one_a_run(fleet: Fleet) -> None:
    fleet.apply()
    fleet.settings("{mode: Apply, selfHeal: false}")
    fleet.commit("report drift only")
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    runs = [fleet.apply() for _ in range(3)]
    assert [rows(run) for run in runs] == [{"eu/mesh": {"ok": 2, "drifted": 1, "skipped": 1}}] * 3
    assert [run.code for run in runs] == [2, 2, 2]
    assert len(fleet.events(type="drift.detected")) == 1
    fleet.edit("VirtualService", "reviews", "timeout: 30s", "timeout: 40s")
    fleet.apply()
    assert len(fleet.events(type="drift.detected")) == 2
    fleet.edit("VirtualService", "reviews", "timeout: 40s", "timeout: 3s")
    fleet.apply()
    assert len(fleet.events(type="drift.ended")) == 1


def test_deleted_by_hand_comes_back_as_drift(fleet: Fleet) -> None:
    fleet.apply()
    fleet.live_path("VirtualService", "cart").unlink()
    run = fleet.apply()
    assert rows(run) == {"eu/mesh": {"ok": 2, "changed": 1, "drifted": 1}}


def test_removed_policy_is_pruned_after_the_rest(fleet: Fleet) -> None:
    fleet.apply()
    fleet.remove("policies/cart.yaml")
    fleet.commit("no more cart")
    run = fleet.apply()
    assert rows(run) == {"eu/mesh": {"ok": 2, "pruned": 1}}
    assert "VirtualService cart" not in fleet.live()
    assert [event.type for event in fleet.events(run=run.id)] == ["object.pruned", "run.finished"]


def test_emptied_repository_is_withheld_until_confirmed_in_git(fleet: Fleet) -> None:
    fleet.apply()
    for name in ("reviews", "cart"):
        fleet.remove(f"policies/{name}.yaml")
    fleet.commit("oops")
    run = fleet.apply()
    assert (run.code, rows(run)) == (3, {"eu/mesh": {"blocked": 3}})
    assert len(fleet.live()) == 3
    fingerprint = run.planned.plan.targets[0].guard_fingerprint
    assert fleet.apply().code == 3
    assert len(fleet.events(type="guard.withheld")) == 1
    fleet.commit(f"yes, all of it\n\nReconciler-Confirm: {fingerprint}")
    run = fleet.apply()
    assert (run.code, rows(run)) == (0, {"eu/mesh": {"pruned": 3}})
    assert fleet.live() == {}


def test_confirmed_on_the_command_line(fleet: Fleet) -> None:
    fleet.apply()
    for name in ("reviews", "cart"):
        fleet.remove(f"policies/{name}.yaml")
    fleet.commit("all of it")
    fingerprint = fleet.plan().planned.plan.targets[0].guard_fingerprint
    assert rows(fleet.apply(confirmed=frozenset({"000000000000"}))) == {"eu/mesh": {"blocked": 3}}
    assert rows(fleet.apply(confirmed=frozenset({fingerprint}))) == {"eu/mesh": {"pruned": 3}}


def test_a_large_change_waits_until_it_is_confirmed(fleet: Fleet) -> None:
    fleet.settings("{mode: Apply, limits: {maxChangedPercent: 50}}")
    fleet.policy("all", "{to: [reviews.shop, cart.shop, checkout.shop], rule: {outlier: {consecutiveErrors: 5}}}")
    fleet.commit("careful")
    fleet.apply()
    before = fleet.live()
    assert len(before) == 5
    fleet.settings("{mode: Apply}")
    fleet.policy("all", "{to: [reviews.shop, cart.shop, checkout.shop], rule: {outlier: {consecutiveErrors: 9}}}")
    fleet.commit("everywhere, and no guard any more")
    for _ in range(2):
        run = fleet.apply()
        assert (run.code, rows(run)) == (3, {"eu/mesh": {"ok": 2, "blocked": 3}})
    assert fleet.live() == before
    fingerprint = run.planned.plan.targets[0].guard_fingerprint
    fleet.commit(f"meant\n\nReconciler-Confirm: {fingerprint}")
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2, "changed": 3}}
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 5}}


def test_a_commit_cannot_lift_its_own_guard(fleet: Fleet) -> None:
    fleet.settings("{mode: Apply, limits: {maxDeletes: 0}}")
    fleet.commit("careful")
    fleet.apply()
    fleet.settings("{mode: Apply, limits: {maxDeletes: 50}}")
    fleet.remove("policies/cart.yaml")
    fleet.commit("not careful, and one less")
    for _ in range(3):
        assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2, "blocked": 1}}
    fleet.commit("an empty commit confirms nothing")
    run = fleet.apply()
    assert rows(run) == {"eu/mesh": {"ok": 2, "blocked": 1}}
    fleet.commit(f"yes\n\nReconciler-Confirm: {run.planned.plan.targets[0].guard_fingerprint}")
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2, "pruned": 1}}
    # nothing is withheld any more, so from now on the new limits hold
    fleet.remove("policies/reviews.yaml")
    fleet.policy("checkout", "{to: [checkout.shop], rule: {timeout: 1s}}")
    fleet.commit("two less")
    assert rows(fleet.apply()) == {"eu/mesh": {"changed": 1, "pruned": 2}}


def test_broken_document_freezes_what_it_made_and_the_rest_goes_on(fleet: Fleet) -> None:
    fleet.apply()
    before = fleet.live()
    fleet.file(
        "policies/reviews.yaml", "apiVersion: reconciler.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: x\n"
    )
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("a slip")
    run = fleet.apply()
    assert run.code == 5  # cart was applied, and an error stands
    after = fleet.live()
    assert after["VirtualService reviews"] == before["VirtualService reviews"]
    assert after["DestinationRule reviews"] == before["DestinationRule reviews"]
    assert after["VirtualService cart"]["spec"]["http"][0]["timeout"] == "2s"
    reasons = {c.key.name: c.withheld for c in run.planned.plan.changes if c.withheld}
    assert reasons == {"reviews": Reason.FROZEN}
    assert any(f.position.path == "policies/reviews.yaml" for f in run.planned.findings)


def test_what_a_mesh_cannot_say_is_refused_alone(fleet: Fleet) -> None:
    """A new policy goes without its objects; one that had a part in an object leaves that as it was, with all of it."""
    bad = "{to: [cart.shop], match: [GET /old], rule: {redirect: {code: 302}}}"
    fleet.policy("bad", bad)
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 7s}}")
    fleet.commit("a redirect to itself")
    run = fleet.apply()
    assert (run.code, "blocked" in rows(run)["eu/mesh"]) == (5, False)
    assert [route["timeout"] for route in fleet.live()["VirtualService cart"]["spec"]["http"]] == ["7s"]
    fleet.policy("bad", bad.replace("code: 302", "path: /new"))
    fleet.commit("to a new path")
    assert fleet.apply().code == 0
    before = fleet.live()
    fleet.policy("bad", bad)
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 8s}}")
    fleet.policy("reviews", "{to: [reviews.shop], rule: {timeout: 9s}}")
    fleet.commit("to itself once more")
    run = fleet.apply()
    assert (run.code, rows(run)["eu/mesh"]["blocked"]) == (5, 1)
    after = fleet.live()
    assert after["VirtualService cart"] == before["VirtualService cart"]
    assert after["VirtualService reviews"]["spec"]["http"][0]["timeout"] == "9s"
    assert {c.key.name: c.withheld for c in run.planned.plan.changes if c.withheld} == {"cart": Reason.FROZEN}


@pytest.mark.parametrize(
    "path", ["desired-state/mesh.yaml", "desired-state/clusters/eu.yaml", "desired-state/reconciler.yaml"]
)
def test_broken_inventory_prunes_nothing(fleet: Fleet, path: str) -> None:
    fleet.apply()
    fleet.file(path, "nonsense: [")
    fleet.commit("a worse slip")
    run = fleet.apply()
    assert run.code == 1
    assert len(fleet.live()) == 3


def test_mesh_removed_from_git_is_guarded_then_pruned(two: Fleet) -> None:
    two.apply()
    two.file(
        "desired-state/mesh.yaml",
        """
        apiVersion: reconciler.dev/v1alpha1
        kind: Mesh
        metadata: {name: mesh}
        spec: {type: istio, clusters: [eu]}
        """,
    )
    two.commit("us has no mesh any more")
    run = two.apply()
    assert rows(run) == {"eu/mesh": {"ok": 3}, "us/mesh": {"blocked": 3}}
    fingerprints = frozenset(t.guard_fingerprint for t in run.planned.plan.targets if t.guard_fingerprint)
    assert rows(two.apply(confirmed=fingerprints))["us/mesh"] == {"pruned": 3}
    assert two.live("us") == {}


@pytest.mark.parametrize("prune", [False, True])
def test_cluster_that_leaves_git(two: Fleet, prune: bool) -> None:
    if prune:
        two.cluster("us", {"directory": {"path": "live/us", "facts": "facts/us"}}, onRemoved="Prune")
        two.commit("us will go")
    two.apply()
    two.remove("desired-state/clusters/us.yaml")
    two.commit("us is gone")
    run = two.apply()
    if not prune:
        assert rows(run) == {"eu/mesh": {"ok": 3}}
        assert len(two.live("us")) == 3
        assert [event.target.cluster for event in two.events(type="cluster.removed")] == ["us"]
        assert len(two.apply().rows) == 1
        assert len(two.events(type="cluster.removed")) == 1
        return
    assert rows(run)["us/mesh"] == {"blocked": 3}
    fingerprints = frozenset(t.guard_fingerprint for t in run.planned.plan.targets if t.guard_fingerprint)
    assert rows(two.apply(confirmed=fingerprints))["us/mesh"] == {"pruned": 3}
    assert set(rows(two.apply())) == {"eu/mesh"}


def test_one_broken_cluster_does_not_stop_the_other(two: Fleet) -> None:
    two.apply()
    (two.repo / "live/us/broken.yaml").write_text("a: [")
    two.policy("reviews", REVIEWS)
    two.commit("go on")
    run = two.apply()
    assert run.code == 4
    assert rows(run) == {"eu/mesh": {"ok": 2, "changed": 1}, "us/mesh": {"unreachable": 1}}
    assert "broken.yaml" in run.planned.plan.targets[1].error
    (two.repo / "live/us/broken.yaml").unlink()
    assert rows(two.apply()) == {"eu/mesh": {"ok": 3}, "us/mesh": {"ok": 2, "changed": 1}}


def test_one_event_when_a_target_cannot_be_reached_and_one_when_it_can_again(two: Fleet) -> None:
    two.apply()
    broken = two.repo / "live/us/broken.yaml"
    broken.write_text("a: [")
    for _ in range(3):
        two.apply()
    (lost,) = two.events(type="target.*")
    assert (lost.type, str(lost.target), lost.result) == ("target.unreachable", "us/mesh", "unreachable")
    assert "broken.yaml" in lost.details["why"]
    broken.unlink()
    for _ in range(2):
        two.apply()
    assert [one.type for one in two.events(type="target.*")] == ["target.unreachable", "target.reached"]


@pytest.mark.parametrize(("policy", "counts"), [("Freeze", True), ("Report", False)])
def test_what_was_known_of_a_silent_cluster_counts_for_others_unless_it_is_only_to_be_reported(
    two: Fleet, policy: str, counts: bool
) -> None:
    folders = {"directory": {"path": "live/us", "facts": "facts/us"}}
    two.cluster("us", folders, onUnreachable={"policy": policy})
    two.policy("readers", "{action: Allow, from: [sa/cart.shop.us], to: [reviews.shop.eu]}", "AccessPolicy")
    two.commit("readers")
    two.apply()
    (two.repo / "facts/us/broken.yaml").write_text("a: [")
    spec = "{action: Allow, from: [sa/cart.shop.us], to: [reviews.shop.eu], match: [GET /a]}"
    two.policy("readers", spec, "AccessPolicy")
    two.commit("less")
    run = two.apply()
    assert rows(run)["us/mesh"] == {"unreachable": 1}
    assert ("/a" in str(two.live("eu"))) is counts
    held = {hold.ref.name for hold in run.planned.compiled.holds if hold.ref is not None and hold.target is not None}
    assert ("readers" in held) is not counts


def test_report_mode_writes_nothing_anywhere(fleet: Fleet) -> None:
    fleet.settings("{mode: Report}")
    fleet.commit("report")
    run = fleet.apply()
    assert (run.code, rows(run)) == (2, {"eu/mesh": {"skipped": 3}})
    assert fleet.live() == {}


def test_a_cluster_whose_access_is_read_only_is_never_written(two: Fleet) -> None:
    two.apply()
    two.cluster("us", {"directory": {"path": "live/us", "facts": "facts/us"}}, access="ReadOnly", mode="Apply")
    two.policy("reviews", REVIEWS)
    two.commit("look at us, change eu")
    before = two.live("us")
    two.edit("VirtualService", "cart", "timeout: 1s", "timeout: 10s", cluster="us")
    drifted = two.live("us")
    run = two.apply()
    assert rows(run) == {"eu/mesh": {"ok": 2, "changed": 1}, "us/mesh": {"ok": 1, "drifted": 1, "skipped": 2}}
    assert {change.withheld for change in run.planned.plan.changes if change.pending and change.target.cluster == "us"}
    assert [(row.target.cluster, row.read_only) for row in run.rows] == [("eu", False), ("us", True)]
    status = last_status(two.store)
    assert status is not None
    assert [row.get("readOnly", False) for row in status["targets"]] == [False, True]
    assert "us / mesh   mode Report, read-only" in plan_text(run.planned.plan, run.planned.prepared.commit, plain)
    counts = [line for line in status_text(status, plain).splitlines() if " : ok=" in line]
    assert [line.endswith("  read-only") for line in counts] == [False, True]
    two.remove("policies/cart.yaml")
    two.commit("less")
    two.apply(limit="us")
    assert two.live("us") == drifted != before


def test_limit_touches_nothing_else(two: Fleet) -> None:
    run = two.apply(limit="us")
    assert set(rows(run)) == {"us/mesh"}
    assert two.live("eu") == {}
    assert len(two.live("us")) == 3


def test_policy_selection_leaves_the_rest_for_later(fleet: Fleet) -> None:
    run = fleet.apply(policies=("cart",))
    assert rows(run) == {"eu/mesh": {"changed": 1, "skipped": 2}}
    rest = fleet.apply()
    assert rows(rest) == {"eu/mesh": {"ok": 1, "changed": 2}}
    assert not any(change.drifted for change in rest.planned.plan.changes)


def test_approved_plan_is_applied_or_nothing_is(fleet: Fleet) -> None:
    approved = fleet.plan(revision="HEAD").planned.plan.fingerprint
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("moved on")
    refused = fleet.apply(approved=approved)
    assert (refused.code, refused.moved, fleet.live()) == (1, True, {})
    again = fleet.plan(revision="HEAD").planned.plan.fingerprint
    fleet.commit("an empty commit changes no plan")
    assert fleet.apply(approved=again).code == 0


def test_approved_plan_is_refused_when_the_live_side_moved(fleet: Fleet) -> None:
    fleet.apply()
    fleet.policy("reviews", REVIEWS)
    fleet.commit("change")
    approved = fleet.plan(revision="HEAD").planned.plan.fingerprint
    fleet.edit("VirtualService", "cart", "timeout: 1s", "timeout: 9s")
    assert fleet.apply(approved=approved).moved


def test_rewritten_history_halts_until_accepted(fleet: Fleet) -> None:
    fleet.apply()
    first = fleet.git("rev-parse", "HEAD")
    fleet.policy("reviews", REVIEWS)
    fleet.commit("second")
    fleet.apply()
    fleet.git("reset", "-q", "--hard", first)
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 7s}}")
    fleet.commit("another second")
    run = fleet.apply()
    assert run.code == 1
    assert "history-rewritten" in codes(run)
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "1s"
    fleet.edit("VirtualService", "cart", "timeout: 1s", "timeout: 9s")
    assert rows(fleet.apply())["eu/mesh"]["changed"] == 1  # drift is still healed against the accepted commit
    assert len(fleet.events(type="source.halted")) == 1


def test_service_of_a_policy_that_does_not_exist_yet(fleet: Fleet) -> None:
    fleet.policy("later", "{to: [later.shop], rule: {timeout: 1s}}")
    fleet.commit("before its service")
    run = fleet.apply()
    assert run.code == 0
    assert "service-unknown" in codes(run)
    assert "VirtualService later" in fleet.live()


def test_changed_facts_change_objects_and_are_no_drift(fleet: Fleet) -> None:
    fleet.policy("all", "{to: ['*.shop'], rule: {retries: 2}}")
    fleet.commit("everything retries")
    fleet.apply()
    assert "VirtualService new" not in fleet.live()
    fleet.facts("eu", (*FACTS, service("new")))
    run = fleet.apply()
    assert "VirtualService new" in fleet.live()
    (change,) = [c for c in run.planned.plan.changes if c.pending]
    assert (change.action, [str(cause) for cause in change.causes]) == (Action.CREATE, ["facts"])


def test_only_committed_state_is_applied(fleet: Fleet) -> None:
    fleet.apply()
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    assert rows(fleet.plan(revision="worktree"))["eu/mesh"]["ok"] == 2
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 3}}


def test_folder_without_git_can_be_planned_and_not_applied(fleet: Fleet) -> None:
    import shutil

    shutil.rmtree(fleet.repo / ".git")
    assert fleet.plan().code == 2
    with pytest.raises(SourceError, match="only what is committed"):
        fleet.apply()
    assert fleet.live() == {}


def test_what_cannot_be_recorded_is_not_written(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(fleet.store, "open_intents", full)
    with pytest.raises(StoreError):
        fleet.apply()
    assert fleet.live() == {}


def test_asked_to_stop_ends_after_what_is_in_hand(fleet: Fleet) -> None:
    run = fleet.apply(stop=lambda: True)
    assert rows(run) == {"eu/mesh": {"skipped": 3}}
    assert fleet.live() == {}
    assert rows(fleet.apply()) == {"eu/mesh": {"changed": 3}}


def test_subset_goes_only_after_the_routes_have_left_it(fleet: Fleet) -> None:
    fleet.apply()
    fleet.policy("reviews", "{to: [reviews.shop], rule: {route: {v2: 50, v3: 50}}}")
    fleet.commit("v1 is done")
    run = fleet.apply()
    assert run.code == 0
    names = [subset["name"] for subset in fleet.live()["DestinationRule reviews"]["spec"]["subsets"]]
    assert names == ["v2", "v3"]
    assert [r.change.key.kind for r in run.results] == ["VirtualService", "DestinationRule"]
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 3}}


def test_state_lost_nothing_is_created_twice_or_pruned(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> None:
    from reconciler.io.store import open_store

    fleet.apply()
    fleet.store.close()
    fleet.store = open_store(tmp_path_factory.mktemp("fresh"))
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 3}}
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2, "pruned": 1}}


def test_each_change_names_the_commit_of_its_line(fleet: Fleet) -> None:
    fleet.apply()
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    sha = fleet.commit("cart is slower")
    fleet.commit("another commit on top")
    run = fleet.apply()
    (event,) = fleet.events(run=run.id, type="object.*")
    assert [(origin.path, origin.commit) for origin in event.origins] == [("policies/cart.yaml", sha)]
    assert event.commit.sha != sha


def test_conflict_names_both_policies_with_lines_and_commits_and_who_holds(fleet: Fleet) -> None:
    first = fleet.git("rev-parse", "HEAD")
    fleet.policy("other", "{to: [cart.shop], rule: {timeout: 9s}}")
    second = fleet.commit("somebody else's opinion")
    run = fleet.apply()
    (conflict,) = [f for f in run.planned.findings if f.code == "policy-conflict"]
    assert "policies/other.yaml:4" in conflict.message
    assert "policies/cart.yaml:5" in conflict.message
    assert f"commit {second[:8]}" in conflict.message
    assert f"commit {first[:8]}" in conflict.message
    # cart has stood longer, so it holds
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "1s"
    assert "TrafficPolicy/default/cart" in conflict.message.split("which holds")[0]


def test_a_limited_run_does_not_lift_the_guards_of_the_others(two: Fleet) -> None:
    two.settings("{mode: Apply, limits: {maxDeletes: 0}}")
    two.commit("careful")
    two.apply()
    two.settings("{mode: Apply, limits: {maxDeletes: 50}}")
    two.remove("policies/cart.yaml")
    two.commit("not careful, and one less")
    assert rows(two.apply(limit="us")) == {"us/mesh": {"ok": 2, "blocked": 1}}
    assert rows(two.apply()) == {target: {"ok": 2, "blocked": 1} for target in ("eu/mesh", "us/mesh")}


def test_policy_that_may_not_be_left_out_rejects_the_whole_run(fleet: Fleet) -> None:
    fleet.apply()
    before = fleet.live()
    match = "{match: [{query: [{name: a, exact: b}]}]"
    fleet.policy(
        "strict", f"{match}, action: Allow, to: [cart.shop], onUnsupported: {{default: Fail}}}}", "AccessPolicy"
    )
    fleet.policy("reviews", REVIEWS)
    fleet.commit("one of two cannot be done")
    run = fleet.apply()
    assert run.code == 1
    assert "capability-unsupported" in codes(run)
    assert {change.withheld for change in run.planned.plan.changes if change.pending} == {Reason.REJECTED}
    assert fleet.live() == before
    fleet.remove("policies/strict.yaml")
    fleet.commit("without it")
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2, "changed": 1}}
