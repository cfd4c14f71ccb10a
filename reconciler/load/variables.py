"""``${name}`` in the text values of a document: which there are, and the document with their values.

A value that is exactly ``${name}`` becomes the variable's value with its type; ``$${`` is a literal ``${``. Nothing
else is evaluated, and values are not searched for variables in turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.load.nodes import Map, Place, Seq, position
from reconciler.model.findings import Finding, error
from reconciler.model.refs import DocRef

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_USE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


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


def fill(node: Any, values: Mapping[str, Any]) -> Any:
    """The node with every variable replaced; parts without any are shared. KeyError when a variable has no value,
    TypeError when one that is a list, a mapping or nothing stands inside text."""
    if isinstance(node, str):
        return _fill_text(node, values) if "${" in node else node
    if isinstance(node, Map):
        changed = {key: new for key, value in node.items() if (new := fill(value, values)) is not value}
        return node.same_but(**changed) if changed else node
    if isinstance(node, Seq):
        items = [fill(value, values) for value in node]
        if all(new is old for new, old in zip(items, node, strict=True)):
            return node
        copy = Seq(node.at)
        for value, place in zip(items, node.items_at, strict=True):
            copy.push(value, place)
        return copy
    return node


def _fill_text(text: str, values: Mapping[str, Any]) -> Any:
    whole = _USE.fullmatch(text)
    if whole and whole[1]:
        return values[whole[1]]
    return _USE.sub(lambda use: _written(use[1], values[use[1]]) if use[1] else "${", text)


def _written(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError(f"`${{{name}}}` is not text or a number, so it cannot stand inside text")
