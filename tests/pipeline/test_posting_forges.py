"""A report on every kind of forge, by its client, on a server that holds all of it against the forge's description."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.commits import Commit
from reconciler.pipeline.posting import Outcome, publish
from reconciler.ports.forge import Forge
from tests.io.forges.conftest import forge as forge
from tests.io.forges.conftest import host as host
from tests.io.forges.conftest import short_pauses as short_pauses
from tests.io.forges.server import Host, Pull
from tests.report.review.test_fitting import review


async def test_a_report_is_made_left_alone_and_written_anew(host: Host, forge: Forge) -> None:
    host.state.pulls[7] = Pull(7)
    for number in range(120):  # several pages of what others say
        host.state.note(7, f"chat {number}", author="mona")
    pull, made = await forge.pull_request(7), review(1000)
    assert (await publish(forge, pull, made)).outcome is Outcome.CREATED
    assert len(host.state.notes) == 121
    assert len(host.state.notes[-1].body.encode()) <= forge.largest_comment
    assert ("<details>" in host.state.notes[-1].body) is forge.folds
    names = {next(str(one[key]) for key in ("context", "key", "name") if key in one) for one in host.state.statuses}
    assert names == {"reconciler/plan", "reconciler/drift"}
    again = await publish(forge, pull, made)
    assert (again.outcome, again.problems) == (Outcome.UNCHANGED, ())
    changed = await publish(forge, pull, replace(made, base=Commit("c" * 40)))
    assert (changed.outcome, changed.problems) == (Outcome.UPDATED, ())
    assert len(host.state.notes) == 121
    assert "c" * 12 in host.state.notes[-1].body
