"""Which two commits are compared, in a clone that a CI system made: perhaps shallow, perhaps of a merge of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.ports import Source, SourceError


@dataclass(frozen=True, slots=True)
class Asked:
    """``head``: the head of the pull request, "" for what is checked out. ``bases``: names of the target branch or of
    commits of it, the surest first."""

    head: str
    bases: tuple[str, ...]


def ends(source: Source, asked: Asked) -> tuple[str, str]:
    """Base and head for ``review``. The head of the pull request is taken where it is here and where it left the target
    branch can be told; else the merge that was checked out, against its first parent, which is the target branch.

    SourceError, which says how to deepen the clone, when neither can be told.
    """
    head = asked.head or "HEAD"
    try:
        tip = source.resolve(head)
        base = _first_known(source, asked.bases)
        if source.merge_base(tip, base):
            return base, tip
        raise SourceError(f"{source.name}: {tip[:12]} and {base[:12]} have no commit in common")
    except SourceError:
        merge = _merge_of(source, asked.head)
        if merge is None:
            raise
        return merge


def _first_known(source: Source, names: Sequence[str]) -> str:
    problem: SourceError | None = None
    for name in names:
        try:
            return source.resolve(name)
        except SourceError as unknown:
            problem = unknown
    said = f": {problem}" if problem else ""
    raise SourceError(f"the target branch is not here{said}; fetch it (git fetch origin BRANCH), or name it by --base")


def _merge_of(source: Source, head: str) -> tuple[str, str] | None:
    """First parent and merge, when what is checked out is the merge of the pull request's head into its target."""
    try:
        merge = source.resolve("HEAD")
        if not head or source.resolve("HEAD^2") != head:
            return None
        return source.resolve("HEAD^1"), merge
    except SourceError:
        return None
