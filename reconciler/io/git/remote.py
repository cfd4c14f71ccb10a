"""The other side: asks what it offers and brings objects from it into a repository on this disk."""

from __future__ import annotations

from pathlib import Path

from reconciler.io.git.command import Answer, GitCommand, Surroundings
from reconciler.io.git.credentials import Credentials, surroundings
from reconciler.io.git.errors import refusal
from reconciler.io.git.location import Location
from reconciler.io.git.refs import Offer, parse_offer

_FETCH = (
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--update-shallow",
)
#: what makes the remote send one space of names and not all
_SPACES = (("--heads", "refs/heads/"), ("--tags", "refs/tags/"))


class Remote:
    """``home`` is a folder of ours in which nothing but the mirror lies."""

    def __init__(self, location: Location, credentials: Credentials | None, timeout: float, home: Path) -> None:
        self.name = location.url
        self._location, self._credentials, self._home = location, credentials, home
        self._timeout = timeout

    def offer(self, *patterns: str) -> Offer:
        """What it has, by the full names in ``patterns``, or everything. SourceError when it does not answer."""
        spaces = [flag for flag, start in _SPACES if any(pattern.startswith(start) for pattern in patterns)]
        answer = self._run(self._home, "ls-remote", "--symref", *spaces, "--", self._location.url, *patterns)
        if answer.status != 0:
            raise refusal(self.name, "list its branches", answer.err)
        return parse_offer(answer.out)

    def fetch(self, into: Path, *refspecs: str, prune: bool = False) -> None:
        """Bring objects and refs into the repository ``into``; with ``prune`` drop refs that the remote no longer
        has. SourceError when it does not."""
        options = (*_FETCH, "--prune") if prune else _FETCH
        answer = self._run(into, *options, "--", self._location.url, *refspecs)
        if answer.status != 0:
            raise refusal(self.name, "fetch", answer.err)

    def _run(self, folder: Path, *arguments: str) -> Answer:
        around = surroundings(self._location, self._credentials, self._timeout, self._home)
        variables = (*around.variables, ("GIT_DIR", str(folder)), *self._owner())
        around = Surroundings(around.settings, variables, around.secrets)
        return GitCommand(self.name, self._home, self._timeout).run(arguments, around=around)

    def _owner(self) -> tuple[tuple[str, str], ...]:
        """A local repository that was named may belong to another user. Git asks that of its global configuration
        alone, and the process that serves the repository sees no other setting of ours."""
        folder = self._location.folder
        if folder is None:
            return ()
        lines = "".join(f'\tdirectory = "{_escaped(path)}"\n' for path in (folder, folder / ".git"))
        file = self._home / "owner.gitconfig"
        if not file.exists() or file.read_text() != "[safe]\n" + lines:
            file.write_text("[safe]\n" + lines)
        return (("GIT_CONFIG_GLOBAL", str(file)),)


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
