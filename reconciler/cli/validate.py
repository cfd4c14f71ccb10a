"""``reconciler validate``: what is wrong with what is written, without looking at any cluster."""

from __future__ import annotations

import click

from reconciler.cli.options import SourceOptions, output_option, source_options, take_source


@click.command("validate")
@source_options
@click.option("--rev", default="worktree", show_default=True, help="Revision to read, or the files as they lie.")
@click.option("--expand", is_flag=True, help="Print every document in its long form.")
@output_option("text", "json", "sarif")
def command(rev: str, expand: bool, output: str, **values: object) -> int:
    """Check a repository. Every mistake is told at once as path:line:column, with a hint.

    Exit code 0 when there is no error, 1 when there is.
    """
    from reconciler.cli.output import painter, say, say_findings, say_json
    from reconciler.cli.wiring import open_source
    from reconciler.load import expand as expanded
    from reconciler.load import load
    from reconciler.model.findings import has_errors
    from reconciler.pipeline.meshes import mesh_types
    from reconciler.report.marks import of_findings
    from reconciler.report.plan_json import findings_json
    from reconciler.report.recap_text import findings_count
    from reconciler.report.sarif import sarif
    from reconciler.report.values import plural

    options: SourceOptions = take_source(values)
    source, _ = open_source(options)
    tree = source.tree(source.fetch() if rev == "worktree" and not hasattr(source, "root") else rev)
    if expand:
        click.echo(expanded(tree), nl=False)
        return 0
    desired, findings = load(tree, mesh_types())
    if output == "json":
        say_json({"findings": findings_json(findings), "documents": len(desired.documents) if desired else 0})
    elif output == "sarif":
        say_json(sarif([*of_findings(findings, source.folder)], 1 if has_errors(list(findings)) else 0))
    else:
        say_findings(findings)
        count = plural(len(desired.documents) if desired else 0, "document")
        targets = plural(len(desired.targets) if desired else 0, "target")
        verdict = painter()(findings_count(findings), "error" if has_errors(list(findings)) else "good")
        say(f"{source.name}: {count} for {targets}; {verdict}")
    return 1 if has_errors(list(findings)) else 0
