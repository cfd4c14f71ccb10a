"""Options that several commands share, and what they become: one value each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Where desired state comes from. ``repo`` is a path or a URL; secrets are named by file, never given here."""

    repo: str
    branch: str = ""
    tag: str = ""
    path: str = ""
    username: str = ""
    token_file: str = ""
    ssh_key: str = ""
    known_hosts: str = ""
    ca_file: str = ""


def with_options(command: Command, *options: Callable[[Any], Any]) -> Command:
    """The command with options in the order in which its help shows them."""
    for option in reversed(options):
        command = option(command)
    return command


def source_options(command: Command) -> Command:
    """``--repo`` and what goes with it; the command gets them as ``source``."""
    return with_options(
        command,
        click.option("--repo", default=".", metavar="PATH|URL", envvar="RECONCILER_REPO", show_default=True,
                     help="A folder, or the URL of a Git repository (https, ssh, file)."),
        click.option("--branch", default="", help="Branch to follow. Default: the repository's own."),
        click.option("--tag", default="", help="Tag to take instead of a branch."),
        click.option("--path", default="", metavar="FOLDER", help="Folder in the repository that holds the two."),
        click.option("--git-username", default="", envvar="RECONCILER_GIT_USERNAME", help="User for HTTPS."),
        click.option("--git-token-file", default="", metavar="FILE", envvar="RECONCILER_GIT_TOKEN_FILE",
                     help="File with the token or password for HTTPS; or the variable RECONCILER_GIT_TOKEN."),
        click.option("--ssh-key", default="", metavar="FILE", envvar="RECONCILER_SSH_KEY", help="Private key for SSH."),
        click.option("--known-hosts", default="", metavar="FILE", envvar="RECONCILER_KNOWN_HOSTS",
                     help="known_hosts file for SSH."),
        click.option("--git-ca-file", default="", metavar="FILE", help="CA certificate for HTTPS."),
    )  # fmt: skip


def place_options(command: Command) -> Command:
    """``--repo`` and ``--path`` for commands that only read the state of a repository."""
    command = click.option("--path", default="", metavar="FOLDER", help="Folder in the repository.")(command)
    return click.option("--repo", default=".", metavar="PATH|URL", envvar="RECONCILER_REPO", show_default=True,
                        help="Whose state: the same as for apply or run.")(command)  # fmt: skip


def take_source(values: dict[str, Any]) -> SourceOptions:
    """The source options out of a command's values."""
    names = {
        "repo": "repo", "branch": "branch", "tag": "tag", "path": "path", "git_username": "username",
        "git_token_file": "token_file", "ssh_key": "ssh_key", "known_hosts": "known_hosts", "git_ca_file": "ca_file",
    }  # fmt: skip
    return SourceOptions(**{field: str(values.pop(name)) for name, field in names.items()})


def selection_options(command: Command) -> Command:
    """``--limit``, ``--kind``, ``--policy`` and ``--facts``."""
    return with_options(
        command,
        click.option("--limit", default="", metavar="PATTERN",
                     help="Only these targets: clusters, groups, meshes, virtual meshes; 'prod:&eu:!canary'."),
        click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only this native kind (repeatable)."),
        click.option("--policy", "policies", multiple=True, metavar="NAME", help="Only from this policy (repeatable)."),
        click.option("--facts", "facts_file", default="", metavar="FILE",
                     help="Take discovery from a recorded file instead of the clusters."),
    )  # fmt: skip


def output_option(*formats: str) -> Callable[[Command], Command]:
    return click.option("-o", "--output", type=click.Choice(formats), default=formats[0], show_default=True)


def request_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The selection of a command as keyword arguments of ``pipeline.world.Request``."""
    return {"limit": values["limit"], "kinds": tuple(values["kinds"]), "policies": tuple(values["policies"])}
