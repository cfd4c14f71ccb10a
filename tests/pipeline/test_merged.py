"""After the merge: a pull request is told once what became of its commit, again when that changes, and then no more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from reconciler.model.forges import StatusState
from reconciler.pipeline.merged import LONGEST_STORY, MergedReport, tell_merged
from reconciler.ports.forge import Forge, ForgeUnreachable
from tests.pipeline.fleet import Fleet
from tests.pipeline.full_forge import FullForge


class Merging:
    """A fleet whose commits come in by pull requests."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.forge = fleet, FullForge()

    def round(self, **request: object) -> MergedReport:
        port: Forge = self.forge
        return asyncio.run(tell_merged(port, self.fleet.world(), self.fleet.apply(**request)))

    def merge(self, number: int, timeout: str) -> str:
        self.fleet.policy("cart", f"{{to: [cart.shop], rule: {{timeout: {timeout}}}}}")
        commit = self.fleet.commit(f"pull request {number}")
        self.forge.open_pull(number, f"{number:040}")
        self.forge.merged[commit] = [number]
        return commit

    def body(self, number: int) -> str:
        (comment,) = self.forge.talk[number]
        return comment.body


@pytest.fixture
def merging(two: Fleet) -> Merging:
    made = Merging(two)
    made.round()
    assert not made.forge.writes
    return made


def test_it_is_told_once_per_cluster_and_its_commits_are_marked(merging: Merging) -> None:
    commit = merging.merge(1, "2s")
    assert merging.round().told == (1,)
    assert "Applied on 2 targets" in merging.body(1)
    assert "| eu | mesh | applied |" in merging.body(1)
    assert [(sha, str(one.state), one.context) for sha, one in merging.forge.statuses] == [
        (f"{1:040}", "success", "reconciler/apply"),
        (commit, "success", "reconciler/apply"),
    ]
    before = (merging.forge.writes, len(merging.forge.asked))
    assert merging.round() == MergedReport()
    assert (merging.forge.writes, len(merging.forge.asked)) == before


def test_commits_of_before_are_nobodys_business(two: Fleet) -> None:
    merging = Merging(two)
    merging.merge(1, "2s")
    assert merging.round() == MergedReport()
    assert not merging.forge.asked


def test_several_of_one_step_are_each_told(merging: Merging) -> None:
    merging.merge(1, "2s")
    merging.merge(2, "3s")
    assert merging.round().told == (1, 2)


def test_a_failure_is_told_and_then_its_end(merging: Merging) -> None:
    merging.merge(1, "2s")
    place = merging.fleet.live_path("VirtualService", "cart", "us")
    kept = place.read_text()
    place.unlink()
    place.mkdir()
    merging.round()
    assert "Applied on 1 of 2 targets" in merging.body(1)
    assert "| us | mesh | ❌ failed | VirtualService shop/cart" in merging.body(1)
    assert merging.forge.statuses[-1][1].state is StatusState.FAILURE
    assert merging.round().told == ()
    place.rmdir()
    place.write_text(kept)
    assert merging.round().told == (1,)
    assert "Applied on 2 targets" in merging.body(1)
    assert merging.forge.statuses[-1][1].state is StatusState.SUCCESS
    assert merging.round() == MergedReport()


def test_what_is_not_to_be_written_now_waits(merging: Merging) -> None:
    merging.fleet.settings("{mode: Report}")
    merging.merge(1, "2s")
    merging.round()
    assert "not applied: not to be written there now" in merging.body(1)
    assert merging.forge.statuses[-1][1].state is StatusState.PENDING


def test_while_the_forge_is_down_nothing_is_lost(merging: Merging) -> None:
    merging.forge.refuse = {"merged_in": ForgeUnreachable("down")}
    merging.merge(1, "2s")
    assert [str(one) for one in merging.round().problems] == ["down"]
    merging.forge.refuse = {"create_comment": ForgeUnreachable("down")}
    assert merging.round().told == ()
    merging.forge.refuse = {}
    assert merging.round().told == (1,)
    assert len(merging.forge.talk[1]) == 1


def test_a_story_that_does_not_end_is_dropped(merging: Merging) -> None:
    merging.fleet.settings("{mode: Report}")
    merging.merge(1, "2s")
    merging.round()
    merging.fleet.at += LONGEST_STORY + timedelta(hours=1)
    merging.round()
    asked = len(merging.forge.asked)
    merging.fleet.settings("{mode: Apply}")
    merging.fleet.commit("by hand")
    merging.round()
    assert "not applied" in merging.body(1)
    assert len(merging.forge.asked) == asked + 1
