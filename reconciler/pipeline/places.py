"""Which lines a change comes from: those that a pull request writes, where it writes any of the document."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from reconciler.model.commits import SourceTree
from reconciler.model.findings import NOWHERE, Position
from reconciler.model.origins import Origin
from reconciler.model.plans import Change
from reconciler.model.refs import DocRef
from reconciler.model.reviews import Place

LONGEST = 4_000  # lines that are compared one by one


@dataclass(frozen=True)
class Places:
    """The files and documents of the head and of its base."""

    tree: SourceTree
    old_tree: SourceTree
    documents: Mapping[DocRef, Position]
    old_documents: Mapping[DocRef, Position]

    @cached_property
    def changed(self) -> Mapping[str, frozenset[int]]:
        """The lines of the head that are not so in the base, by path; a file that is new has all its lines."""
        files, old = self.tree.files, self.old_tree.files
        return {path: changed_lines(old.get(path, b""), text) for path, text in files.items() if old.get(path) != text}

    def of(self, change: Change) -> tuple[Place, ...]:
        """A place for each document that a change comes from; in the base for one that the head does not have."""
        found = (self._place(origin) for origin in change.origins)
        return tuple(dict.fromkeys(place for place in found if place is not None))

    def at(self, position: Position, document: str = "") -> Place:
        """A position in the head."""
        lines = self.changed.get(position.path, frozenset())
        return Place(position.path, position.line, self.tree.commit.sha, document, position.line in lines)

    def of_document(self, ref: DocRef) -> tuple[Place, ...]:
        """Where a document stands: in the head if it is there, else in the base; nowhere if it is in neither."""
        found = self._place(Origin(ref, NOWHERE))
        return (found,) if found else ()

    def _place(self, origin: Origin) -> Place | None:
        name = str(origin.ref)
        if origin.ref in self.documents:
            return self._written(origin.position if origin.position.path else self.documents[origin.ref], name)
        gone = self.old_documents.get(origin.ref)
        return Place(gone.path, gone.line, self.old_tree.commit.sha, name) if gone else None

    def _written(self, position: Position, name: str) -> Place:
        """The first line at or after a position, within its document, that is written; else the position itself."""
        lines = sorted(self.changed.get(position.path, ()))
        after = bisect_left(lines, position.line)
        end = min((p.line for p in self._starts(position.path) if p.line > position.line), default=None)
        if after < len(lines) and (end is None or lines[after] < end):
            return Place(position.path, lines[after], self.tree.commit.sha, name, changed=True)
        return Place(position.path, position.line, self.tree.commit.sha, name)

    def _starts(self, path: str) -> list[Position]:
        return self._by_path.get(path, [])

    @cached_property
    def _by_path(self) -> dict[str, list[Position]]:
        found: dict[str, list[Position]] = {}
        for position in self.documents.values():
            found.setdefault(position.path, []).append(position)
        return found


def changed_lines(old: bytes, new: bytes) -> frozenset[int]:
    """The lines of the newer text, from 1, that are not in the older one at their place. Where too many lie between
    what is the same at both ends, all of these."""
    before, after = old.splitlines(), new.splitlines()
    shortest = min(len(before), len(after))
    start = next((at for at in range(shortest) if before[at] != after[at]), shortest)
    end = next((at for at in range(shortest - start) if before[-1 - at] != after[-1 - at]), shortest - start)
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    lines = frozenset(range(start + 1, start + len(right) + 1))
    if not left or len(left) + len(right) > LONGEST:
        return lines
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    return lines - {start + line for block in blocks for line in range(block.b + 1, block.b + block.size + 1)}
