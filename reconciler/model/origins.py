"""Where something that is compiled comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.findings import Position
from reconciler.model.refs import DocRef


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where something comes from: the document, the most telling place in it, and the commit since which that place
    has read so ("" when it was not looked up, "worktree" when it is not committed)."""

    ref: DocRef
    position: Position
    commit: str = ""


def once(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    """Each document once, at the first of its places."""
    places: dict[DocRef, Position] = {}
    for origin in sorted(origins):
        places.setdefault(origin.ref, origin.position)
    return tuple(Origin(ref, places[ref]) for ref in sorted(places))
