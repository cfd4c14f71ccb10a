"""``reconciler inspect``: every effective rule in and out of a service or workload; a policy's results; a mesh."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import output_option, request_values, selection_options, source_options, take_source

if TYPE_CHECKING:
    from reconciler.pipeline.inspecting import Answer


@click.command("inspect")
@click.argument("kind", type=click.Choice(["service", "workload", "policy", "mesh"]))
@click.argument("name")
@source_options
@selection_options
@click.option("--rev", default="", help="Revision to look at. Default: the files as they lie; the head of a URL.")
@click.option("--in", "inward", is_flag=True, help="Only rules for calls to it.")
@click.option("--out", "outward", is_flag=True, help="Only rules for calls that it makes.")
@output_option("text", "json", "mermaid")
def command(kind: str, name: str, rev: str, inward: bool, outward: bool, output: str, **values: Any) -> int:
    """Show what holds for a service, a workload, a policy or a mesh: on which mesh and side, and which policy, file,
    line and commit asks for it. Writes nothing.

    \b
    reconciler inspect service reviews.shop --repo .
    reconciler inspect workload reviews-v1.shop --out
    reconciler inspect policy reviews-canary          its objects and verdicts
    reconciler inspect service reviews.shop -o mermaid > reviews.mmd
    """
    from reconciler.cli.plan import read_facts
    from reconciler.cli.wiring import open_world
    from reconciler.pipeline.inspecting import Unknown, inspect
    from reconciler.pipeline.world import Request

    with open_world(take_source(values), "manual") as world:
        if not rev and hasattr(world.source, "root"):
            rev = "worktree"
        request = Request(revision=rev, facts=read_facts(values["facts_file"]), **request_values(values))
        try:
            answer = asyncio.run(inspect(world, request, kind, name))
        except Unknown as problem:
            raise click.ClickException(str(problem)) from None
    both = inward == outward
    directions = [one for one, wanted in (("in", inward or both), ("out", outward or both)) if wanted]
    _show(answer, directions, output)
    return 0


def _show(answer: Answer, directions: list[str], output: str) -> None:
    from reconciler.cli.output import painter, say, say_findings, say_json
    from reconciler.report.graph import mermaid
    from reconciler.report.inspection_text import inspection_json, inspection_text, policy_text
    from reconciler.report.plan_json import findings_json, verdict_json

    if output == "mermaid":
        click.echo(mermaid(answer.inspection))
        return
    if output == "json":
        body = inspection_json(answer.inspection, directions) | {"findings": findings_json(answer.findings)}
        if answer.compiled is not None:
            mine = [one for one in answer.compiled.verdicts if one.policy == str(answer.document)]
            body["verdicts"] = [verdict_json(one) for one in mine]
        say_json(body)
        return
    say_findings([one for one in answer.findings if one.severity == "error" or answer.document is not None])
    if answer.compiled is not None and answer.document is not None:
        say(policy_text(answer.inspection, answer.document, answer.compiled, painter()))
    else:
        say(inspection_text(answer.inspection, painter(), directions))
