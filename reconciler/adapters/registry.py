"""Finds adapters by the entry-point group ``reconciler.adapters`` and loads each when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from reconciler.adapters.base import Adapter

GROUP = "reconciler.adapters"


@cache
def _points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def names() -> tuple[str, ...]:
    """The mesh types that can be written in ``Mesh.spec.type``, sorted."""
    return tuple(sorted({point.name for point in _points()}))


@cache
def load(name: str) -> Adapter | None:
    """The adapter of a mesh type, or None when no such one is installed."""
    for point in _points():
        if point.name == name and isinstance(adapter := point.load(), Adapter):
            return adapter
    return None


class Installed(Mapping[str, Adapter]):
    """Every adapter by its mesh type. Going through the names loads none of them."""

    def __getitem__(self, name: str) -> Adapter:
        if (adapter := load(name)) is None:
            raise KeyError(name)
        return adapter

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())


def load_all() -> Mapping[str, Adapter]:
    return {name: adapter for name in names() if (adapter := load(name)) is not None}
