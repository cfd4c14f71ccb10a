"""``reconciler import``: existing native objects to neutral documents."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import output_option, source_options, take_source

if TYPE_CHECKING:
    from reconciler.cli.options import SourceOptions
    from reconciler.model.imports import Import
    from reconciler.pipeline.importing.reading import Asked


@click.command("import")
@click.argument("files", metavar="[FILE|DIR]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@source_options
@click.option("--cluster", default="", metavar="NAME", help="Look into this cluster of the repository, reading only.")
@click.option("--kubeconfig", default="", metavar="PATH", help="Look into a cluster that no repository has.")
@click.option("--context", default="", metavar="NAME", help="Its context. Default: the current one of that file.")
@click.option("--mesh", default="", metavar="NAME", help="Which mesh of the cluster; for files, which type of mesh.")
@click.option("--namespace", "namespaces", multiple=True, metavar="NAME", help="Only this namespace (repeatable).")
@click.option("--exact", is_flag=True, help="Keep as an object what would come back in another spelling.")
@click.option("--rename", is_flag=True, help="Let objects have the names that policies give; simpler documents.")
@click.option("--into", default=None, metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Write the documents into this repository. Default: print them.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite files that are there already.")
@output_option("text", "json")
def command(files: tuple[Path, ...], into: Path | None, force: bool, output: str, **values: Any) -> int:
    """Make neutral documents of existing objects of a mesh: of a live cluster, or of YAML files.

    What has no neutral form is kept as it is, in Extension documents. Every document is compiled and compared: what
    would not come back meaning the same is kept as an object, too. No cluster is changed.

    \b
    reconciler import manifests/ --into .
    reconciler import --cluster eu-1 --namespace shop --into .
    reconciler import --kubeconfig ~/.kube/config --context eu-1 > imported.yaml
    """
    from reconciler.cli.output import painter, say, say_findings, say_json
    from reconciler.io.manifests import write_new
    from reconciler.report.import_text import import_json, import_text
    from reconciler.report.plan_json import findings_json

    made = _made(files, take_source(values), values)
    if into is not None:
        write_new(into, made.files, force=force)
    if output == "json":
        say_json({**import_json(made), "findings": findings_json(made.findings)})
        return 4 if made.unread else 0
    if into is None:
        click.echo("---\n".join(made.files[path] for path in sorted(made.files)), nl=False)
    say_findings(made.findings)
    say(import_text(made, painter(err=into is None)), err=into is None)
    for path in sorted(made.files) if into is not None else ():
        click.echo(f"wrote {into}/{path}")
    return 4 if made.unread else 0


def _made(files: tuple[Path, ...], source: SourceOptions, values: dict[str, Any]) -> Import:
    from datetime import UTC, datetime

    from reconciler.pipeline.importing.proof import Unusable
    from reconciler.pipeline.importing.reading import Asked
    from reconciler.pipeline.meshes import installed

    asked = Asked(
        adapters=installed(),
        now=datetime.now(UTC),
        **{name: values[name] for name in ("mesh", "exact", "rename")},
        namespaces=tuple(values["namespaces"]),
    )
    try:
        return _imported(files, source, values, asked)
    except (Unusable, ValueError) as problem:
        raise click.ClickException(str(problem)) from None


def _imported(files: tuple[Path, ...], source: SourceOptions, values: dict[str, Any], asked: Asked) -> Import:
    from reconciler.cli.wiring import cluster_opener, open_source
    from reconciler.io.manifests import read_manifests
    from reconciler.pipeline.importing.reading import import_cluster, import_files

    given = read_manifests(files) if files else None
    name = values["cluster"]
    if values["kubeconfig"]:
        path = str(Path(values["kubeconfig"]).expanduser().absolute())
        return asyncio.run(_of_kubeconfig(path, values["context"], asked, given))
    if name:
        opened, base = open_source(source)
        tree = opened.tree("worktree" if hasattr(opened, "root") else opened.fetch())
        return asyncio.run(import_cluster(tree, name, cluster_opener(base), asked, given))
    if given is None:
        raise click.ClickException("say what to import: files, --cluster NAME or --kubeconfig PATH")
    return import_files(given, asked)


async def _of_kubeconfig(path: str, context: str, asked: Asked, given: list[Any] | None) -> Import:
    from reconciler.cli.wiring import cluster_opener
    from reconciler.pipeline.importing.reading import import_cluster, of_kubeconfig

    opener = cluster_opener(Path())
    tree, name = await of_kubeconfig(path, context, opener, asked)
    return await import_cluster(tree, name, opener, asked.without_mesh(), given)
