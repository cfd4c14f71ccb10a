"""A Git repository as a Protocol; its errors are those of ``reconciler.ports``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.model.commits import Commit, SourceTree


class Source(Protocol):
    """A Git repository. Blocking; the pipeline calls it in a thread."""

    @property
    def name(self) -> str:
        """How reports call it: the URL or path without credentials."""

    @property
    def folder(self) -> str:
        """Its place in the trees of the repository; "" for the top."""

    @property
    def branch(self) -> str:
        """The branch that is followed, once it is known; "" for none."""

    def fetch(self) -> str:
        """Bring the mirror up to date and return the head commit's full sha. SourceError when it cannot."""

    def last_known(self) -> str | None:
        """The head as of the last successful fetch, or None."""

    def tree(self, revision: str) -> SourceTree:
        """The files of a revision (any name Git resolves); SourceError for an unknown one."""

    def resolve(self, revision: str) -> str:
        """Full sha of a revision."""

    def descends(self, ancestor: str, descendant: str) -> bool:
        """Whether ``ancestor`` is reachable from ``descendant`` (equal counts)."""

    def merge_base(self, one: str, other: str) -> str:
        """Full sha of the newest commit that both descend from; "" when there is none. HiddenHistory where a shallow
        clone does not show it."""

    def log(self, since: str, until: str) -> Sequence[Commit]:
        """First-parent commits after ``since`` up to ``until``, newest first; all of them if ``since`` is ""."""

    def changed_paths(self, old: str, new: str) -> frozenset[str]:
        """Paths that differ between two revisions, relative to the folder of the source."""

    def line_commits(self, revision: str, path: str) -> Sequence[str]:
        """Per line of a file at a revision, the sha of the commit that last changed it (git blame)."""
