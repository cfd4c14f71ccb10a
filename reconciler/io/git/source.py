"""A Git repository by URL or path as the pipeline's Source: a mirror that is fetched into, and questions to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from reconciler.io.git.credentials import Credentials
from reconciler.io.git.errors import DamagedRepository, UnknownRevision
from reconciler.io.git.location import locate, safe_folder
from reconciler.io.git.mirror import Mirror
from reconciler.io.git.refs import RefSpec, valid_name
from reconciler.io.git.remote import Remote
from reconciler.io.git.repository import FULL_SHA, Repository, check_revision
from reconciler.model.commits import Commit, SourceTree
from reconciler.ports import SourceError

_Value = TypeVar("_Value")
_BASE = re.compile(r"([^~^@{]+)(.*)", re.DOTALL)


class GitSource:
    """Follows one ref of a repository; implements ``reconciler.ports.Source``.

    ``mirror_folder`` is where mirrors lie: each (address, ref) gets a folder of its own in it, used by any number of
    processes at once. ``folder`` is the place of ``desired-state/`` and ``policies/`` in the repository. ``timeout``
    is in seconds and bounds each Git command. All methods raise SourceError; a failed fetch changes nothing.
    """

    def __init__(
        self,
        url_or_path: str | Path,
        *,
        mirror_folder: Path,
        ref: RefSpec | None = None,
        folder: str = "",
        credentials: Credentials | None = None,
        timeout: float = 120.0,
    ) -> None:
        location = locate(url_or_path)
        self._ref = ref or RefSpec()
        self._folder = safe_folder(folder)
        self._name = location.url
        home = mirror_folder.expanduser().absolute() / _folder_name(location.url, self._ref)
        self.mirror_path = home / "mirror.git"
        remote = Remote(location, credentials, timeout, home)
        self._mirror = Mirror(remote, self._ref, home, self._folder, timeout)

    def __repr__(self) -> str:
        return f"GitSource({self._name!r}, {self._ref})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def branch(self) -> str:
        """The branch that is followed, "" for a tag or commit; the remote's default one is known after a fetch."""
        return self._mirror.branch

    @property
    def folder(self) -> str:
        return self._folder

    @property
    def shallow(self) -> bool:
        """Whether the remote's own history is cut off, so that log and line_commits are incomplete."""
        return self._reading(lambda repository: repository.shallow())

    def fetch(self) -> str:
        return self._mirror.update()

    def last_known(self) -> str | None:
        return self._mirror.recorded()

    def tree(self, revision: str) -> SourceTree:
        sha = self.resolve(revision)
        return self._reading(lambda repository: repository.tree(sha))

    def commit(self, revision: str) -> Commit:
        """Author, committer, times, message, trailers and claimed signature of one commit."""
        sha = self.resolve(revision)
        return self._reading(lambda repository: repository.commit(sha))

    def resolve(self, revision: str) -> str:
        """Full sha of HEAD (what was fetched last), a sha, or another branch or tag, which is asked of the remote."""
        check_revision(self._name, revision)
        match = _BASE.fullmatch(revision)
        base, rest = (match[1], match[2]) if match else ("", "")
        if base and base == self._ref.short:
            return self._local("HEAD" + rest)
        if not base or base == "HEAD" or FULL_SHA.fullmatch(base) or not valid_name(base):
            return self._local(revision, fetch=bool(FULL_SHA.fullmatch(revision)))
        return self._named(revision, base, rest)

    def descends(self, ancestor: str, descendant: str) -> bool:
        return self._reading(lambda repository: repository.descends(ancestor, descendant))

    def merge_base(self, one: str, other: str) -> str:
        ends = (self.resolve(one), self.resolve(other))
        return self._reading(lambda repository: repository.merge_base(*ends))

    def log(self, since: str, until: str) -> Sequence[Commit]:
        return self._reading(lambda repository: repository.log(since, until))

    def changed_paths(self, old: str, new: str) -> frozenset[str]:
        return self._reading(lambda repository: repository.changed_paths(old, new))

    def line_commits(self, revision: str, path: str) -> Sequence[str]:
        """As in Source, by first-parent commits; "" for a line whose commit a shallow history hides."""
        return self._reading(lambda repository: repository.line_commits(revision, path))

    def _local(self, revision: str, fetch: bool = False) -> str:
        sha = self._reading(lambda repository: repository.find(revision))
        if sha is None and fetch:
            return self._mirror.obtain(revision)
        return sha or self._reading(lambda repository: repository.resolve(revision))

    def _named(self, revision: str, base: str, rest: str) -> str:
        """A short sha is looked up here; a branch or tag is asked for each time, since it moves."""
        if re.fullmatch(r"[0-9a-f]{4,64}", base):
            sha = self._reading(lambda repository: repository.find(revision))
            if sha is not None:
                return sha
        self._fetched()
        try:
            return self._local(self._mirror.obtain(base) + rest)
        except UnknownRevision as cause:
            raise UnknownRevision(f"{self._name}: there is no commit, branch or tag {revision!r}") from cause

    def _reading(self, read: Callable[[Repository], _Value]) -> _Value:
        """Ask the mirror; one that turns out to be damaged is built anew and asked again."""
        generation = self._fetched()
        try:
            return read(self._mirror.repository)
        except DamagedRepository as damage:
            self._mirror.repair(damage, generation)
            return read(self._mirror.repository)

    def _fetched(self) -> int:
        """The generation of the mirror; SourceError when there is none yet."""
        generation = self._mirror.generation()
        if not generation:
            raise SourceError(f"{self._name}: nothing has been fetched from it yet")
        return generation


def _folder_name(url: str, ref: RefSpec) -> str:
    last = re.sub(r"[^A-Za-z0-9_-]+", "-", url.rstrip("/").removesuffix(".git").rsplit("/", 1)[-1])[-40:].strip("-")
    digest = hashlib.sha256(f"{url}\0{ref}".encode()).hexdigest()[:12]
    return f"{last or 'source'}-{digest}"
