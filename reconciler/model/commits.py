"""Commits and source trees: what a source hands to ``load``, and what an audit event says of its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """``sha`` is "worktree" for files as they lie, then nothing else is set. ``signature`` is the raw kind and key
    as Git tells them ("" when unsigned). Trailers keep their order of values per key, keys in lower case."""

    sha: str
    author: str = ""  # Name <mail>
    author_time: datetime | None = None
    committer: str = ""
    commit_time: datetime | None = None
    message: str = ""
    signature: str = ""
    trailers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def short(self) -> str:
        return self.sha if self.sha == "worktree" else self.sha[:8]

    @property
    def subject(self) -> str:
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True, slots=True)
class SourceTree:
    """All files below ``desired-state/``, ``policies/`` and ``manifests/`` of one revision, by path relative to their
    folder's parent. ``refused`` maps a path that was not read (link out of the tree, too large) to the reason."""

    commit: Commit
    files: Mapping[str, bytes]
    refused: Mapping[str, str] = field(default_factory=dict)
    #: identity of the repository and folder: hash of root commit and path; "" for a plain folder
    identity: str = ""
