"""Which pull request of which forge: said by options, else by the CI system that the command runs in."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import Command, with_options

if TYPE_CHECKING:
    from reconciler.io.ci import Surroundings
    from reconciler.io.forges import App
    from reconciler.ports.forge import Forge

#: variables with a token, the first that is set is taken; ours before those that CI systems and their users set
TOKENS = ("RECONCILER_FORGE_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN", "BITBUCKET_TOKEN")
KINDS = ("github", "gitlab", "gitea", "bitbucket-cloud", "bitbucket-data-center")


@dataclass(frozen=True, slots=True)
class ForgeOptions:
    """``repository``: its page or address; ``kind`` and ``url`` where these do not tell the forge."""

    repository: str = ""
    kind: str = ""
    url: str = ""
    token_file: str = ""
    username: str = ""
    ca_file: str = ""
    author: str = ""
    app: str = ""
    app_key_file: str = ""


def forge_options(command: Command) -> Command:
    """``--forge`` and what goes with it."""
    return with_options(
        command,
        click.option("--forge", "repository", default="", metavar="URL", envvar="RECONCILER_FORGE",
                     help="The repository on its forge. Default: as the CI system says."),
        click.option("--forge-kind", "kind", type=click.Choice(KINDS), default=None,
                     help="Where the address does not tell."),
        click.option("--forge-url", "url", default="", metavar="URL", help="Where the forge has another address."),
        click.option("--forge-token-file", "token_file", default="", metavar="FILE",
                     envvar="RECONCILER_FORGE_TOKEN_FILE",
                     help=f"File with the token; or one of the variables {', '.join(TOKENS)}."),
        click.option("--forge-username", "username", default="", envvar="RECONCILER_FORGE_USERNAME",
                     help="User that goes with the token (Bitbucket)."),
        click.option("--forge-app", "app", default="", metavar="ID", envvar="RECONCILER_FORGE_APP",
                     help="GitHub App to ask as, in the place of a token."),
        click.option("--forge-app-key-file", "app_key_file", default="", metavar="FILE",
                     envvar="RECONCILER_FORGE_APP_KEY_FILE", help="Its private key (PEM)."),
        click.option("--forge-ca-file", "ca_file", default="", metavar="FILE", help="CA certificate for its HTTPS."),
        click.option("--author", default="", metavar="NAME",
                     help="Whose token it is, for one that cannot ask."),
    )  # fmt: skip


def take_forge(values: dict[str, Any]) -> ForgeOptions:
    """The forge options out of a command's values."""
    return ForgeOptions(**{each.name: str(values.pop(each.name) or "") for each in fields(ForgeOptions)})


def around(options: ForgeOptions) -> Surroundings:
    """What the CI system says, with what was given in the place of it."""
    from reconciler.io.ci import Surroundings, surroundings

    found = surroundings(os.environ) or Surroundings("", "", 0)
    if options.repository and options.repository.rstrip("/") != found.address:
        found = replace(found, forge="", address=options.repository, account="")
    return replace(found, forge=options.kind or found.forge, account=options.author or found.account)


def open_forge(options: ForgeOptions, found: Surroundings) -> Forge:
    """The forge of the repository. ClickException when nobody says which it is, ForgeError when that fits nowhere."""
    from reconciler.io.forges import Access
    from reconciler.io.forges import open_forge as opened
    from reconciler.io.git import Secret

    if not found.address:
        raise click.ClickException("no forge is known: run in CI, or give --forge URL; --dry-run prints the report")
    token = Secret(file=Path(options.token_file)) if options.token_file else _from_environment()
    ca_file = Path(options.ca_file) if options.ca_file else None
    access = Access(token=token, username=options.username, ca_file=ca_file, app=_app(options))
    return opened(found.address, kind=found.forge, url=options.url, access=access)


def _app(options: ForgeOptions) -> App | None:
    from reconciler.io.forges import App
    from reconciler.io.git import Secret

    if bool(options.app) != bool(options.app_key_file):
        raise click.ClickException("an app needs both: --forge-app ID and --forge-app-key-file FILE")
    return App(options.app, Secret(file=Path(options.app_key_file))) if options.app else None


def _from_environment() -> Any:
    from reconciler.io.git import Secret

    name = next((name for name in TOKENS if os.environ.get(name)), TOKENS[0])
    return Secret(variable=name)
