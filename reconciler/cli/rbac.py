"""``reconciler rbac``: the least-privilege role of the account that reads and writes the clusters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import source_options, take_source

if TYPE_CHECKING:
    from reconciler.cli.options import SourceOptions
    from reconciler.model.rights import Role
    from reconciler.ports import Store

_DNS = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
_ACCOUNT = re.compile(rf"(?P<namespace>{_DNS})[/:](?P<name>{_DNS})")


@click.command("rbac")
@source_options
@click.option("--limit", default="", metavar="PATTERN", help="Only these targets: as in plan --limit.")
@click.option("--adapter", "types", multiple=True, metavar="TYPE",
              help="For meshes of this type (repeatable), without looking at any repository.")  # fmt: skip
@click.option("--read-only", is_flag=True, help="Only what planning and mode: Report need.")
@click.option("--binding", default="", metavar="NAMESPACE/NAME", help="Also this ServiceAccount, bound to the role.")
@click.option("--name", default="", help="Name of the role.  [default: mesh-reconciler, or mesh-reconciler-read-only]")
def command(limit: str, types: tuple[str, ...], read_only: bool, binding: str, name: str, **values: Any) -> int:
    """Print the ClusterRole with the least rights for the meshes in use, each with its reason.

    Rights to write are in it only where mode: Apply may use them. Before a run writes, it names every right that is
    missing, and writes nothing where one is.

    \b
    reconciler rbac --binding mesh/reconciler | kubectl apply -f -
    reconciler rbac --limit eu-1 --read-only
    reconciler rbac --adapter TYPE
    """
    from reconciler.cli.output import say_findings
    from reconciler.model.findings import has_errors
    from reconciler.report.role_yaml import role_yaml

    account = _account(binding)
    options = take_source(values)
    role, findings = (_of_types(types, read_only), ()) if types else _of_repository(options, limit, read_only)
    say_findings(findings)
    if role is None:
        return 1
    default = "mesh-reconciler-read-only" if read_only else "mesh-reconciler"
    click.echo(role_yaml(role, name or default, account), nl=False)
    return 1 if has_errors(list(findings)) else 0


def _account(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    found = _ACCOUNT.fullmatch(text)
    if found is None:
        raise click.ClickException(f"{text!r} names no service account; write NAMESPACE/NAME")
    return found["namespace"], found["name"]


def _of_types(types: tuple[str, ...], read_only: bool) -> Role:
    from reconciler.pipeline.meshes import installed
    from reconciler.pipeline.roles import role_for_types

    adapters = installed()
    for name in types:
        if name not in adapters:
            raise click.ClickException(f"there is no adapter {name!r}; known: {', '.join(sorted(adapters))}")
        if adapters[name].default_mesh.declared:
            raise click.ClickException(f"a mesh of type {name} is no Kubernetes cluster: files are written, by no role")
    return role_for_types([adapters[name] for name in sorted(set(types))], read_only=read_only)


def _of_repository(options: SourceOptions, limit: str, read_only: bool) -> tuple[Role | None, Any]:
    """The role, None where the repository cannot be used or nothing is selected; and the findings."""
    from reconciler.cli.folders import state_folder
    from reconciler.cli.wiring import open_source
    from reconciler.load import load, select
    from reconciler.pipeline.meshes import installed
    from reconciler.pipeline.roles import Scope, role_for_repository

    source, _ = open_source(options)
    adapters = installed()
    desired, findings = load(source.tree("worktree" if hasattr(source, "root") else source.fetch()), tuple(adapters))
    if desired is None:
        return None, findings
    targets, unknown = select(limit, desired) if limit else (frozenset(desired.targets), ())
    findings = (*findings, *unknown)
    if not targets:
        raise click.ClickException("there is no target to print a role for; --adapter TYPE needs none")
    with _remembered(state_folder(options)) as store:
        return role_for_repository(Scope(desired, targets, adapters, store), read_only=read_only), findings


@contextmanager
def _remembered(folder: Path) -> Iterator[Store | None]:
    """The store of earlier runs, if there were any: it knows kinds that Git has no more."""
    from reconciler.io.store import DATABASE, open_store

    if not (folder / DATABASE).exists():
        yield None
        return
    store = open_store(folder)
    try:
        yield store
    finally:
        store.close()
