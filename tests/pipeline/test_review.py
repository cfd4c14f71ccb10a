"""What a pull request does, told apart from drift and from what waits; bases, merges, forks, shallow clones."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.recordings import facts_from_json, facts_to_json
from reconciler.io.worktree import WorktreeSource
from reconciler.model.plans import Action
from reconciler.model.reviews import AlertKind, Review, TargetReview
from reconciler.pipeline.ends import Asked, ends
from reconciler.pipeline.review import review
from reconciler.pipeline.world import Request
from reconciler.ports import SourceError
from tests.pipeline.fleet import Fleet

TIMEOUT = "{to: [cart.shop], rule: {timeout: %s}}"


def reviewed(fleet: Fleet, live: bool = True, base: str = "main", head: str = "change", **request: Any) -> Review:
    return asyncio.run(review(fleet.world(), Request(**request), base, head, live))


def branch(fleet: Fleet, name: str = "change") -> None:
    fleet.git("checkout", "-q", "-b", name)


def only(made: Review) -> TargetReview:
    (target,) = made.targets
    return target


def named(entries: Any) -> list[tuple[str, str, list[str]]]:
    return [(str(one.change.key), str(one.change.action), [field.path for field in one.fields]) for one in entries]


def kinds(made: Review) -> list[AlertKind]:
    return [alert.kind for alert in made.alerts]


def test_cause_drift_and_waiting_are_told_apart(fleet: Fleet) -> None:
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    fleet.policy("checkout", "{to: [checkout.shop], rule: {timeout: 9s}}")
    fleet.commit("on main, not applied")
    branch(fleet)
    fleet.policy("cart", TIMEOUT % "2s")
    fleet.commit("mine")
    made = reviewed(fleet)
    target = only(made)
    assert named(target.caused) == [("VirtualService shop/cart", "update", ["spec.http[0].timeout"])]
    assert named(target.drift) == [("VirtualService shop/reviews", "update", ["spec.http[0].timeout"])]
    assert named(target.waiting) == [("VirtualService shop/checkout", "create", [])]
    (place,) = target.caused[0].places
    assert (place.path, place.line, place.changed) == ("policies/cart.yaml", 4, True)
    assert made.live
    assert made.code == 2
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "1s", "nothing is written"


def test_one_object_may_be_changed_drifted_and_behind_at_once(fleet: Fleet) -> None:
    fleet.policy("reviews", "{to: [reviews.shop], rule: {timeout: 3s, retries: 2}}")
    fleet.commit("base")
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    branch(fleet)
    fleet.policy("reviews", "{to: [reviews.shop], rule: {timeout: 3s, retries: 5}}")
    fleet.commit("mine")
    target = only(reviewed(fleet))
    assert named(target.caused) == [("VirtualService shop/reviews", "update", ["spec.http[0].retries.attempts"])]
    assert named(target.drift) == [("VirtualService shop/reviews", "update", ["spec.http[0].timeout"])]
    assert target.waiting == ()


def test_what_drifted_in_the_field_that_is_changed_is_both(fleet: Fleet) -> None:
    fleet.apply()
    fleet.edit("VirtualService", "cart", "timeout: 1s", "timeout: 30s")
    branch(fleet)
    fleet.policy("cart", TIMEOUT % "2s")
    fleet.commit("mine")
    target = only(reviewed(fleet))
    (caused,), (drift,) = target.caused, target.drift
    assert [(f.before, f.after) for f in caused.fields] == [("1s", "2s")]
    assert [(f.before, f.drift) for f in drift.fields] == [("30s", True)]


def test_an_object_deleted_by_hand_is_drift(fleet: Fleet) -> None:
    fleet.apply()
    fleet.live_path("VirtualService", "cart").unlink()
    branch(fleet)
    fleet.commit("nothing")
    target = only(reviewed(fleet))
    assert [(str(one.change.key), one.note) for one in target.drift] == [
        ("VirtualService shop/cart", "somebody deleted it")
    ]
    assert target.waiting == ()
    assert target.caused == ()


def test_without_clusters_the_two_commits_are_compared(fleet: Fleet) -> None:
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    branch(fleet)
    fleet.policy("cart", TIMEOUT % "2s")
    fleet.commit("mine")
    made = reviewed(fleet, live=False)
    assert named(only(made).caused) == [("VirtualService shop/cart", "update", ["spec.http[0].timeout"])]
    assert only(made).drift == ()
    assert (made.live, made.facts) == (False, "the last discovery")


def test_commits_that_the_target_branch_got_since_are_not_the_pull_requests(fleet: Fleet) -> None:
    fleet.apply()
    branch(fleet)
    fleet.policy("cart", TIMEOUT % "2s")
    fleet.commit("mine")
    fleet.git("checkout", "-q", "main")
    fleet.policy("reviews", "{to: [reviews.shop], rule: {timeout: 7s}}")
    fleet.commit("theirs")
    made = reviewed(fleet, live=False)
    assert [name for name, *_ in named(only(made).caused)] == ["VirtualService shop/cart"]
    assert made.base.sha == fleet.git("rev-parse", "main~1")


def test_a_merge_that_ci_made_is_compared_with_the_target_branch(fleet: Fleet) -> None:
    branch(fleet)
    fleet.policy("cart", TIMEOUT % "2s")
    head = fleet.commit("mine")
    fleet.git("checkout", "-q", "main")
    fleet.policy("reviews", "{to: [reviews.shop], rule: {timeout: 7s}}")
    target = fleet.commit("theirs")
    fleet.git("checkout", "-q", "--detach")
    fleet.git("merge", "-q", "--no-ff", "-m", "merge", "change")
    clone = shallow(fleet, 2, "HEAD")
    base, tip = ends(WorktreeSource(clone), Asked(head, (target,)))
    assert base == target
    assert tip == fleet.git("rev-parse", "HEAD"), "the merge, since the clone does not show where the branch left"
    base, tip = ends(WorktreeSource(fleet.repo), Asked(head, (target,)))
    assert (base, tip) == (target, head)
    made = reviewed(fleet, live=False, base=fleet.git("rev-parse", "HEAD^1"), head="HEAD")
    assert [name for name, *_ in named(only(made).caused)] == ["VirtualService shop/cart"]
    assert made.merged


def shallow(fleet: Fleet, depth: int, revision: str) -> Path:
    clone = fleet.folder / f"clone-{depth}"
    fleet.git("branch", "-f", "for-clone", revision)
    url = f"file://{fleet.repo}"
    command = ["git", "clone", "-q", "--depth", str(depth), "--branch", "for-clone", url, str(clone)]
    subprocess.run(command, check=True, capture_output=True)
    return clone


def test_a_shallow_clone_says_how_to_deepen_it(fleet: Fleet) -> None:
    main = fleet.git("rev-parse", "main")
    branch(fleet)
    for number in range(3):
        fleet.policy("cart", TIMEOUT % f"{number + 2}s")
        head = fleet.commit("mine")
    clone = shallow(fleet, 1, "change")
    with pytest.raises(SourceError, match="git fetch --unshallow"):
        ends(WorktreeSource(clone), Asked(head, (main, "origin/main")))


def test_a_head_that_is_a_merge_of_its_own_is_not_taken_for_the_merge_of_ci(fleet: Fleet) -> None:
    branch(fleet)
    fleet.policy("cart", TIMEOUT % "2s")
    fleet.commit("mine")
    fleet.git("checkout", "-q", "main")
    fleet.change("note.txt", "x", "theirs")
    fleet.git("checkout", "-q", "change")
    fleet.git("merge", "-q", "-m", "catch up", "main")
    head = fleet.git("rev-parse", "HEAD")
    with pytest.raises(SourceError, match="unshallow"):
        ends(WorktreeSource(shallow(fleet, 2, "change")), Asked(head, ("f" * 40,)))


def test_histories_without_a_common_commit_are_refused(fleet: Fleet) -> None:
    fleet.git("checkout", "-q", "--orphan", "change")
    fleet.commit("unrelated")
    with pytest.raises(SourceError, match="no commit in common"):
        reviewed(fleet, live=False)


def test_deletes_and_the_last_route_of_a_host_are_told_first(fleet: Fleet) -> None:
    fleet.apply()
    branch(fleet)
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    made = reviewed(fleet)
    assert kinds(made)[:2] == [AlertKind.DELETE, AlertKind.LAST_ROUTE]
    delete, route = made.alerts[:2]
    assert delete.items == ("VirtualService shop/cart",)
    assert "cart.shop" in route.text
    (place,) = route.places
    assert (place.path, place.commit) == ("policies/cart.yaml", made.base.sha)


def test_a_guard_of_the_target_branch_holds_for_the_change_that_lifts_it(fleet: Fleet) -> None:
    fleet.settings("{mode: Apply, limits: {maxDeletes: 0}}")
    fleet.commit("careful")
    branch(fleet)
    fleet.settings("{mode: Apply, limits: {maxDeletes: 100}}")
    fleet.remove("policies/cart.yaml")
    fleet.commit("less careful")
    for live in (False, True):
        fleet.git("checkout", "-q", "main")
        fleet.apply()
        fleet.git("checkout", "-q", "change")
        made = reviewed(fleet, live=live)
        assert AlertKind.GUARD in kinds(made)
        assert made.code == 3
        assert only(made).confirm


def test_a_cluster_that_leaves_git_is_left_alone_and_said_so(two: Fleet) -> None:
    two.apply()
    branch(two)
    two.remove("desired-state/clusters/us.yaml")
    two.commit("no us")
    made = reviewed(two, live=False)
    assert kinds(made) == [AlertKind.LEFT_ALONE]
    assert all(not target.caused for target in made.targets)


def test_a_change_does_not_choose_where_clusters_are(fleet: Fleet) -> None:
    """The proposal points the cluster to another folder; what is read is what the target branch names."""
    fleet.apply()
    branch(fleet)
    fleet.facts("elsewhere", [])
    fleet.cluster("eu", {"directory": {"path": "live/elsewhere", "facts": "facts/elsewhere"}})
    fleet.cluster("new", {"directory": {"path": "live/new", "facts": "facts/eu"}})
    fleet.commit("point elsewhere")
    made = reviewed(fleet)
    eu, new = made.targets
    assert (eu.caused, eu.drift, eu.waiting) == ((), (), ())
    assert "new in this change" in new.error
    assert [one.change.action for one in new.caused] == [Action.CREATE] * 3
    assert made.code == 2, "a cluster that only this change knows is not out of reach"


def test_a_target_that_cannot_be_read_shows_what_is_caused(fleet: Fleet) -> None:
    fleet.apply()
    branch(fleet)
    fleet.policy("cart", TIMEOUT % "2s")
    fleet.commit("mine")
    world = fleet.world()

    def refuse(_cluster: Any) -> Any:
        from reconciler.ports import Unreachable

        raise Unreachable("no route")

    from dataclasses import replace

    made = asyncio.run(review(replace(world, open_cluster=refuse), Request(), "main", "change", live=True))
    assert only(made).error == "no route"
    assert [name for name, *_ in named(only(made).caused)] == ["VirtualService shop/cart"]
    assert kinds(made) == [AlertKind.UNREAD]
    assert made.code == 4


def test_without_state_nothing_is_called_drift_that_nobody_can_be_named_for(fleet: Fleet, tmp_path: Path) -> None:
    from dataclasses import replace

    from reconciler.io.store import open_store

    fleet.apply()
    fleet.edit("VirtualService", "cart", "timeout: 1s", "timeout: 30s")
    branch(fleet)
    fleet.commit("nothing")
    store = open_store(tmp_path / "empty")
    made = asyncio.run(review(replace(fleet.world(), store=store), Request(), "main", "change", live=True))
    store.close()
    assert only(made).drift == ()
    (waits,) = only(made).waiting
    assert "neither this state nor the cluster tells" in waits.note


def test_new_findings_are_told_apart_from_those_of_the_target_branch(fleet: Fleet) -> None:
    fleet.policy("old", "{to: [nobody.shop], rule: {timeout: 1s}}")
    fleet.commit("a remark on main")
    branch(fleet)
    fleet.policy("new", "{to: [nothing.shop], rule: {timeout: 1s}}")
    fleet.commit("a remark of mine")
    made = reviewed(fleet, live=False, facts=facts(fleet))
    assert {finding.position.path for finding in made.findings} == {"policies/new.yaml"}
    assert "policies/old.yaml" in {finding.position.path for finding in made.earlier}


def facts(fleet: Fleet) -> Any:
    fleet.git("checkout", "-q", "main")
    run = fleet.plan()
    fleet.git("checkout", "-q", "change")
    return facts_from_json(facts_to_json(run.planned.facts))


def test_a_broken_proposal_has_its_errors_and_no_plan(fleet: Fleet) -> None:
    branch(fleet)
    fleet.file("policies/bad.yaml", "a: [")
    fleet.commit("bad")
    made = reviewed(fleet, live=False, facts=facts(fleet))
    assert made.code == 1
    assert [finding.position.path for finding in made.findings] == ["policies/bad.yaml"]
    assert AlertKind.ERROR in kinds(made)


def test_the_first_pull_request_of_a_repository_creates_all(fleet: Fleet) -> None:
    fleet.git("checkout", "-q", "--orphan", "empty")
    fleet.git("rm", "-rq", "--cached", ".")
    fleet.git("commit", "-q", "--allow-empty", "-m", "begin")
    fleet.git("checkout", "-q", "-b", "change")
    fleet.commit("everything")
    made = reviewed(fleet, live=False, base="empty")
    assert {one.change.action for one in only(made).caused} == {Action.CREATE}


def test_a_proposal_cannot_unmask_what_was_secret(fleet: Fleet) -> None:
    fleet.settings('{mode: Apply, audit: {redact: ["VirtualService:spec.http[*].timeout"]}}')
    fleet.commit("secret times")
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 2s")
    branch(fleet)
    fleet.settings("{mode: Apply}")
    fleet.policy("cart", TIMEOUT % "2s")
    fleet.commit("show me")
    target = only(reviewed(fleet))
    (caused,), (drift,) = target.caused[0].fields, target.drift[0].fields
    assert all(str(field.before).startswith("<masked #") for field in (caused, drift))
    assert caused.after == drift.before, "equal values have equal marks in both plans"


def test_a_review_leaves_alone_what_rounds_keep(fleet: Fleet) -> None:
    fleet.apply()
    world = fleet.world()
    branch(fleet)
    fleet.policy("cart", TIMEOUT % "2s")
    fleet.commit("mine")
    before = dict(fleet.store.values(("",)))
    asyncio.run(review(world, Request(), "main", "change", live=True))
    assert dict(fleet.store.values(("",))) == before
    assert world.kept.quiet == {}
