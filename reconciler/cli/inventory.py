"""``reconciler inventory``: clusters, groups and variables as Ansible people know them."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options import source_options, take_source


@click.command("inventory")
@source_options
@click.option("--host", default="", metavar="CLUSTER", help="Show the variables of this cluster.")
@click.option("--mesh", default="", help="... as they read on this mesh of it.")
@click.option("--explain", default="", metavar="VARIABLE", help="Only this one, with every definition it beat.")
@click.option("--limit", default="", metavar="PATTERN", help="Only these targets.")
def command(host: str, mesh: str, explain: str, limit: str, **values: Any) -> int:
    """List the targets, or explain where a variable of a cluster comes from.

    \b
    reconciler inventory --limit 'prod:!us'
    reconciler inventory --host eu-1 --explain request_timeout
    """
    from reconciler.cli.output import painter, say, say_findings
    from reconciler.cli.wiring import open_source
    from reconciler.load import explain as explained
    from reconciler.load import load, select
    from reconciler.model.findings import has_errors
    from reconciler.pipeline.meshes import mesh_types
    from reconciler.report.inventory_text import inventory_text, variables_text

    source, _ = open_source(take_source(values))
    tree = source.tree("worktree" if hasattr(source, "root") else source.fetch())
    desired, findings = load(tree, mesh_types())
    if desired is None:
        say_findings(findings)
        return 1
    if host:
        if host not in desired.clusters:
            raise click.ClickException(f"there is no cluster {host!r}; known: {', '.join(sorted(desired.clusters))}")
        rows = [row for row in explained(tree, host, mesh) if explain in ("", row.name)]
        if explain and not rows:
            raise click.ClickException(f"{host} has no variable {explain!r}")
        say(variables_text(rows, painter(), beaten=bool(explain)))
        return 0
    chosen, found = select(limit, desired) if limit else (frozenset(desired.targets), ())
    say_findings(found)
    say(inventory_text(desired, chosen, painter()))
    return 1 if has_errors(list(found)) else 0
