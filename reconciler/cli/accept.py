"""``reconciler accept``: the way out of a halt after a force-push."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from reconciler.cli.options import source_options, take_source


@click.command("accept")
@click.argument("revision")
@source_options
@click.option(
    "--new-root", is_flag=True, help="Also when it is another repository, or rewritten from its first commit."
)
@click.option("--reason", default="", help="Why it is right; kept in the audit log.")
def command(revision: str, new_root: bool, reason: str, **values: Any) -> int:
    """Accept REVISION as the commit from which the repository goes on, after its history was rewritten.

    The next run follows the branch again if its head descends from REVISION.
    """
    from reconciler.cli.wiring import open_world
    from reconciler.model.commits import Commit
    from reconciler.pipeline import state
    from reconciler.pipeline.draft import Draft
    from reconciler.pipeline.record import RunContext, run_event

    options = take_source(values)
    with open_world(options, "manual") as world:
        world.source.fetch()
        sha = world.source.resolve(revision)
        before = state.accepted_revision(world.store)
        tree = world.source.tree(sha)
        known, name = state.belongs_to(world.store)
        if known and tree.identity and tree.identity != known and not new_root:
            raise click.ClickException(
                f"this state belongs to {name}, and {world.source.name} does not share its first commit; if its history"
                " was rewritten from there on, say --new-root, else give it a state of its own with --state"
            )
        commit: Commit = tree.commit
        context = RunContext("", world.actor, commit)
        details = {"before": before, "accepted": sha, "reason": reason}
        event = run_event(context, world.new_id(), datetime.now(UTC), "source.accepted", details, result="ok")
        draft = Draft(world.store)
        state.accept_revision(draft, sha)
        state.set_belongs_to(draft, tree.identity, world.source.name)
        world.store.append([event], draft.values)
    click.echo(f"accepted {sha[:12]} {commit.subject!r} (before: {before[:12] or 'none'})")
    return 0
