"""The entry of the tracker about drift: made, written anew, left alone, closed."""

from __future__ import annotations

import asyncio

from reconciler.model.forges import Issue
from reconciler.pipeline.drift_report import Kept, keep_issue
from reconciler.pipeline.posting import Outcome
from reconciler.ports.forge import Forge
from tests.pipeline.fleet import Fleet
from tests.pipeline.full_forge import FullForge


def keep(forge: FullForge, fleet: Fleet) -> Kept:
    port: Forge = forge
    return asyncio.run(keep_issue(port, fleet.world(), fleet.plan()))


def test_the_life_of_an_entry(fleet: Fleet) -> None:
    fleet.apply()
    forge = FullForge()
    assert keep(forge, fleet) == Kept(Outcome.UNCHANGED)
    fleet.edit("VirtualService", "reviews", "3s", "7s")
    assert keep(forge, fleet).outcome is Outcome.CREATED
    assert keep(forge, fleet).outcome is Outcome.UNCHANGED
    (entry,) = forge.tracker
    assert entry.title == "Mesh drift: 1 object on 1 target"
    assert "- spec.http[0].timeout: 7s" in entry.body
    assert "policies/reviews.yaml:" in entry.body
    fleet.edit("VirtualService", "cart", "1s", "9s")
    assert keep(forge, fleet).outcome is Outcome.UPDATED
    assert forge.tracker[0].title == "Mesh drift: 2 objects on 1 target"
    fleet.apply()
    kept = keep(forge, fleet)
    assert kept.closed
    assert not forge.tracker[0].open
    assert keep(forge, fleet) == Kept(Outcome.UNCHANGED)
    fleet.edit("VirtualService", "cart", "1s", "8s")
    assert keep(forge, fleet).outcome is Outcome.CREATED
    assert len(forge.tracker) == 2


def test_nothing_is_closed_while_a_cluster_is_not_read(two: Fleet) -> None:
    two.apply()
    forge = FullForge()
    two.edit("VirtualService", "reviews", "3s", "7s", "us")
    keep(forge, two)
    folder = two.repo / "facts/us"
    folder.rename(two.repo / "facts/gone")
    folder.write_text("no folder")
    kept = keep(forge, two)
    assert not kept.closed
    assert forge.tracker[0].open
    assert "1 not read" in forge.tracker[0].title
    assert "us/mesh could not be read" in forge.tracker[0].body


def test_somebody_elses_entry_is_left_alone(fleet: Fleet) -> None:
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "3s", "7s")
    forge = FullForge()
    keep(forge, fleet)
    theirs = Issue("9", forge.tracker[0].title, forge.tracker[0].body, "eve")
    forge.tracker[:] = [theirs]
    assert keep(forge, fleet).outcome is Outcome.CREATED
    assert forge.tracker[0] == theirs


def test_what_lives_cannot_write_into_the_page(fleet: Fleet) -> None:
    fleet.apply()
    fleet.edit(
        "VirtualService", "reviews", "timeout: 3s", 'timeout: "``` @everyone <img src=x> </details> [a](http://x)"'
    )
    forge = FullForge()
    keep(forge, fleet)
    body = forge.tracker[0].body
    fences = [line for line in body.splitlines() if line.startswith("````")]
    assert len(fences) == 2
    start, end = (body.index(fence) for fence in ("````diff", "\n````\n"))
    assert start < body.index("@everyone") < end
