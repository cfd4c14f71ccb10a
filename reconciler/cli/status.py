"""``reconciler status``: how the last run ended, per target."""

from __future__ import annotations

import click

from reconciler.cli.options import SourceOptions, output_option, place_options


@click.command("status")
@place_options
@output_option("text", "json")
def command(repo: str, path: str, output: str) -> int:
    """Show the last run: source, commit, when, and the recap of each target. Exit code: that of the run."""
    from reconciler.cli.folders import state_folder
    from reconciler.cli.output import painter, say, say_json
    from reconciler.cli.wiring import open_state
    from reconciler.pipeline.notify import bookmarks
    from reconciler.pipeline.state import last_status
    from reconciler.report.status_text import status_text

    folder = state_folder(SourceOptions(repo, path=path))
    store = open_state(folder)
    try:
        status, routes = last_status(store), bookmarks(store)
    finally:
        store.close()
    if status is None:
        click.echo(
            f"Nothing has run with the state in {folder}. Start with: reconciler apply --repo PATH|URL", err=True
        )
        return 0
    if output == "json":
        say_json({**status, "notify": routes})
    else:
        say(status_text(status, painter(), routes))
    return int(status["exitCode"])
