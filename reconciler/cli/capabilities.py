"""``reconciler capabilities``: what meshes can do of the neutral API, and what would become of a policy on each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import output_option

#: what is told of a claim
_SHOWN = ("level", "side", "via", "note", "since", "excludes", "requires")


@click.command("capabilities")
@click.option("--mesh", "meshes", multiple=True, metavar="TYPE", help="Only meshes of this type; may be repeated.")
@click.option(
    "--version", default="", metavar="VERSION", help="With --policy: the version of the mesh. Default: the newest."
)
@click.option(
    "--policy",
    "file",
    default="",
    metavar="FILE",
    help="Say what would become of the documents of this file on each mesh.",
)
@output_option("text", "json")
def command(meshes: tuple[str, ...], version: str, file: str, output: str) -> int:
    """What each mesh can do of the neutral API: by itself, emulated, in part, or not at all.

    With --policy exit code 1 when a document is wrong, 3 when one would be refused somewhere.

    \b
    reconciler capabilities --mesh TYPE
    reconciler capabilities --policy policies/reviews.yaml
    """
    from reconciler.pipeline.meshes import installed

    adapters = installed()
    if unknown := sorted(set(meshes) - set(adapters)):
        raise click.ClickException(f"there is no mesh type {unknown[0]!r}; known: {', '.join(sorted(adapters))}")
    if file:
        return _policy(Path(file), adapters, meshes, version, output)
    _table(adapters, meshes, output)
    return 0


def _table(adapters: Any, meshes: tuple[str, ...], output: str) -> None:
    from reconciler.cli.output import painter, say, say_json
    from reconciler.pipeline.claims import claim_table
    from reconciler.report.claims_text import claims_text

    table = claim_table(adapters, meshes)
    if output == "json":
        say_json({path: dict(zip(table.columns, map(_cell, cells), strict=True)) for path, cells in table.rows})
    else:
        say(claims_text(table, painter()))


def _cell(claim: Any) -> Any:
    if claim is None:
        return None
    return {name: value for name in _SHOWN if (value := getattr(claim, name))}


def _policy(file: Path, adapters: Any, meshes: tuple[str, ...], version: str, output: str) -> int:
    from reconciler.cli.output import painter, say, say_findings, say_json
    from reconciler.model.findings import has_errors
    from reconciler.pipeline.claims import verdicts_for
    from reconciler.report.claims_text import verdicts_text
    from reconciler.report.plan_json import findings_json, verdict_json

    try:
        text = file.read_bytes()
    except OSError as problem:
        raise click.ClickException(f"{file}: {problem.strerror}") from None
    found, findings = verdicts_for(text, file.name, adapters, meshes, version)
    if output == "json":
        verdicts = {name: [verdict_json(one) for one in several] for name, several in found.items()}
        say_json({"findings": findings_json(findings), "verdicts": verdicts})
    else:
        say_findings(findings)
        say(verdicts_text(found, painter()))
    if has_errors(list(findings)):
        return 1
    return 3 if any(one.action == "Refused" for several in found.values() for one in several) else 0
