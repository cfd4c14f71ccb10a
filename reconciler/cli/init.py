"""``reconciler init``: a first repository that ``plan`` accepts."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.io.starter import Started

_DNS = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_SERVICE = re.compile(rf"(?P<name>{_DNS})\.(?P<namespace>{_DNS})")


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--kubeconfig", default="", metavar="PATH", help="Begin with a real cluster instead of a folder.")
@click.option("--context", default="", metavar="NAME", help="Its context. Default: the current one of that file.")
@click.option("--service", default="backend.demo", metavar="NAME.NAMESPACE", show_default=True,
              help="What the first policy is about.")  # fmt: skip
@click.option("--mesh", default="", metavar="TYPE", help="Type of the mesh. Default: the first that is installed.")
def command(folder: Path, kubeconfig: str, context: str, service: str, mesh: str) -> int:
    """Write a first repository into DIR: one cluster, its mesh, one policy; in mode Report, which writes nowhere.

    Without --kubeconfig the cluster is a folder of files, with two services to try policies on. Nothing that exists
    is overwritten. Where there is git, DIR becomes a repository with a first commit.

    \b
    reconciler init fleet
    reconciler init fleet --kubeconfig ~/.kube/config --context eu-1 --service reviews.shop
    """
    from reconciler.io.starter import first_commit, write_repository

    if context and not kubeconfig:
        raise click.ClickException("--context names one of a file: add --kubeconfig PATH")
    where = _cluster(kubeconfig, context) if kubeconfig else _FOLDER
    values = {**where, **_policy(service, bool(kubeconfig)), "mesh": _mesh_type(mesh), "branch": "main"}
    values["owner"] = _plain_name(folder.absolute().name, "fleet")
    written = write_repository(folder, values, facts=not kubeconfig)
    _say(folder, first_commit(folder, written), values)
    return 0


_FOLDER = {
    "cluster": "local",
    "connection": "{directory: {path: .clusters/local, facts: facts}}",
    "facts_line": "facts/            what lives in the cluster and is not ours (it is the folder .clusters/local)\n",
    "next_connection": "Connect a real cluster in `desired-state/inventory.yaml`:\n"
    "  `connection: {kubeconfig: {path: ~/.kube/config, context: NAME}}`.",
}


def _cluster(kubeconfig: str, context: str) -> dict[str, str]:
    """What the inventory says of a real cluster; a path in the home folder is written with ``~``."""
    path, home = Path(kubeconfig).expanduser().absolute(), Path("~").expanduser()
    shown = f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
    if not path.is_file():
        raise click.ClickException(f"there is no kubeconfig {path}")
    connection = f"{{path: {json.dumps(shown)}" + (f", context: {json.dumps(context)}}}" if context else "}")
    return {
        "cluster": _plain_name(context, "cluster-1"),
        "connection": f"{{kubeconfig: {connection}}}",
        "facts_line": "",
        "next_connection": "Add more clusters to `desired-state/inventory.yaml`.",
    }


def _policy(service: str, real: bool) -> dict[str, str]:
    """The first policy: a canary where we know that there are two versions, else a timeout, which fits everywhere."""
    found = _SERVICE.fullmatch(service)
    if found is None:
        raise click.ClickException(f"{service!r} names no service; write NAME.NAMESPACE")
    name = found["name"]
    about = f"Calls to {name} end after 10 s." if real else f"A tenth of the calls to {name} goes to its version v2."
    rule = "{timeout: 10s}" if real else "{route: {v1: 90, v2: 10}}"
    caller = "frontend" if name != "frontend" else "caller"
    return {"service": name, "namespace": found["namespace"], "caller": caller, "about": about, "rule": rule}


def _mesh_type(chosen: str) -> str:
    from reconciler.pipeline.meshes import mesh_types, orchestrated_types

    known = orchestrated_types()
    if not known:
        raise click.ClickException("no adapter is installed, so there is no mesh to begin with")
    if chosen and chosen in mesh_types() and chosen not in known:
        hint = "begin with a copy of examples/local-mesh"
        raise click.ClickException(f"the services of a mesh of type {chosen} are declared in Git: {hint}")
    if chosen and chosen not in known:
        raise click.ClickException(f"there is no adapter {chosen!r}; known: {', '.join(known)}")
    return chosen or known[0]


def _plain_name(text: str, default: str) -> str:
    """The text as a name that Kubernetes takes, or the default when nothing of it can stay."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-") or default


def _say(folder: Path, started: Started, values: Mapping[str, str]) -> None:
    for path in started.files:
        click.echo(f"wrote   {folder / path}")
    click.echo(f"mesh    {values['mesh']}, on cluster {values['cluster']}")
    if started.commit:
        click.echo(f"commit  {started.commit}")
    else:
        click.echo(f"No commit was made: {started.reason}.", err=True)
    click.echo(
        f"\nNext:\n  cd {shlex.quote(str(folder))}\n"
        "  reconciler validate    is it right?\n"
        "  reconciler plan        what would be written? (exit code 2: there are changes)\n"
        "Then set mode: Apply in desired-state/reconciler.yaml, commit, and: reconciler apply"
    )
