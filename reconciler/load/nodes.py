"""Parsed YAML as plain mappings, lists and scalars that know where each key and value stands.

``reader`` makes them, ``variables`` and ``longform`` make changed copies; nobody changes one in place, since
anchors and targets share them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.findings import NOWHERE, Position

#: path, line, column; a plain tuple because there is one for every key and value of a repository
Place = tuple[str, int, int]


class Map(dict[str, Any]):
    """A mapping; ``at`` is its own place, ``keys_at`` and ``values_at`` those of its entries."""

    __slots__ = ("at", "keys_at", "values_at")

    def __init__(self, at: Place) -> None:
        self.at = at
        self.keys_at: dict[str, Place] = {}
        self.values_at: dict[str, Place] = {}

    def put(self, key: str, value: Any, key_at: Place, value_at: Place) -> None:
        self[key] = value
        self.keys_at[key] = key_at
        self.values_at[key] = value_at

    def add(self, key: str, value: Any, at: Place | None = None) -> Map:
        """Set a made-up entry, at the mapping's own place unless told."""
        self.put(key, value, at or self.at, at or self.at)
        return self

    def entries(self) -> Iterable[tuple[str, Any, Place, Place]]:
        """key, value, place of the key, place of the value."""
        for key, value in self.items():
            yield key, value, self.keys_at[key], self.values_at[key]

    def same_but(self, values: Mapping[str, Any]) -> Map:
        """A copy with other values for some of its keys, at their places."""
        copy = Map(self.at)
        for key, value, key_at, value_at in self.entries():
            copy.put(key, values.get(key, value), key_at, value_at)
        return copy


class Seq(list[Any]):
    """A list; ``at`` is its own place, ``items_at`` those of its items."""

    __slots__ = ("at", "items_at")

    def __init__(self, at: Place) -> None:
        self.at = at
        self.items_at: list[Place] = []

    def push(self, value: Any, at: Place) -> None:
        self.append(value)
        self.items_at.append(at)

    @classmethod
    def of(cls, at: Place, *items: Any) -> Seq:
        """A made-up list, all of whose items stand at its own place."""
        made = cls(at)
        for item in items:
            made.push(item, at)
        return made

    def entries(self) -> Iterable[tuple[Any, Place]]:
        return zip(self, self.items_at, strict=True)


def position(place: Place | None) -> Position:
    return Position(*place) if place else NOWHERE


def place_of(node: Any, path: Iterable[str | int], *, key: bool = False) -> Place:
    """Where the value at a path stands (or, with ``key``, its key); the nearest thing above it that is there."""
    here: Place = node.at
    for part in path:
        if isinstance(node, Map) and part in node:
            here = node.keys_at[str(part)] if key else node.values_at[str(part)]
            node = node[str(part)]
        elif isinstance(node, Seq) and isinstance(part, int) and part < len(node):
            here, node = node.items_at[part], node[part]
        else:
            break
    return here
