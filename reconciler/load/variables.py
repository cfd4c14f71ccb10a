"""``${name}`` in the text values of a document: which there are, and the document with their values.

A value that is exactly ``${name}`` becomes the variable's value with its type; ``$${`` is a literal ``${``. Nothing
else is evaluated, and values are not searched for variables in turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.load.nodes import Map, Place, Seq, position
from reconciler.load.reader import MAX_NODES
from reconciler.model.findings import Finding, error
from reconciler.model.refs import DocRef

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
MAX_TEXT = 4 * 1024 * 1024  # characters that variables put into the texts of one document
_USE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


class Unwritable(Exception):
    """The variable of this name is a list, a mapping or nothing, and stands inside text."""

    def __init__(self, name: str) -> None:
        super().__init__(f"`{name}` is not text or a number, so it cannot stand inside text")
        self.name = name


def texts(node: Any, at: Place) -> Iterator[tuple[str, Place]]:
    """Every text value in a node that has a ``${``, with its place."""
    if isinstance(node, str):
        if "${" in node:
            yield node, at
    elif isinstance(node, Map):
        for key, value in node.items():
            yield from texts(value, node.values_at[key])
    elif isinstance(node, Seq):
        for value, place in node.entries():
            yield from texts(value, place)


def uses(node: Any, at: Place) -> dict[str, Place]:
    """The variables of a node, each with the place of its first use."""
    found: dict[str, Place] = {}
    for text, place in texts(node, at):
        for use in _USE.finditer(text):
            if use[1]:
                found.setdefault(use[1], place)
    return found


def malformed(root: Map, ref: DocRef) -> list[Finding]:
    """A finding for each ``${`` that is not followed by a name and a brace."""
    hint = "write ${name}; there are no expressions; a literal is written $${"
    return [
        error("variable-syntax", f"`{text[:80]}` has a `${{` that names no variable", position(place), hint, ref)
        for text, place in texts(root, root.at)
        if any(use[0] == "${" for use in _USE.finditer(text))
    ]


class TooMuch(Exception):
    """A document stands for too much once its variables are filled in."""


def fill(node: Any, values: Mapping[str, Any]) -> Any:
    """The node with every variable replaced; parts without any are shared. KeyError when a variable has no value,
    Unwritable when one does not fit where it stands, TooMuch when the whole becomes too large."""
    return _Filling(values).fill(node)


@dataclass(slots=True)
class _Filling:
    """One document being filled in, and how much may still be put into it."""

    values: Mapping[str, Any]
    nodes_left: int = MAX_NODES
    text_left: int = MAX_TEXT
    _sizes: dict[str, int] = field(default_factory=dict)

    def fill(self, node: Any) -> Any:
        if isinstance(node, str):
            return self._text(node) if "${" in node else node
        if isinstance(node, Map):
            changed = {key: new for key, value in node.items() if (new := self.fill(value)) is not value}
            return node.same_but(changed) if changed else node
        return self._items(node) if isinstance(node, Seq) else node

    def _items(self, node: Seq) -> Seq:
        items = [self.fill(value) for value in node]
        if all(new is old for new, old in zip(items, node, strict=True)):
            return node
        copy = Seq(node.at)
        for value, place in zip(items, node.items_at, strict=True):
            copy.push(value, place)
        return copy

    def _text(self, text: str) -> Any:
        whole = _USE.fullmatch(text)
        if whole and whole[1]:
            return self._value(whole[1])
        return _USE.sub(lambda use: self._written(use[1]) if use[1] else "${", text)

    def _value(self, name: str) -> Any:
        if name not in self._sizes:
            self._sizes[name] = size(self.values[name])
        self.nodes_left -= self._sizes[name]
        if self.nodes_left < 0:
            raise TooMuch(f"more than {MAX_NODES} values, variables filled in")
        return self.values[name]

    def _written(self, name: str) -> str:
        value = self.values[name]
        if not isinstance(value, (str, int, float)):
            raise Unwritable(name)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        self.text_left -= len(text)
        if self.text_left < 0:
            raise TooMuch(f"more than {MAX_TEXT} characters from variables")
        return text


def size(node: Any) -> int:
    """How many values a node stands for."""
    if isinstance(node, Map):
        return 1 + sum(size(value) for value in node.values())
    return 1 + sum(size(value) for value in node) if isinstance(node, Seq) else 1
