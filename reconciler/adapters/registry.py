"""Finds adapters by the entry-point group ``reconciler.adapters`` and loads each when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from reconciler.adapters.base import Adapter

GROUP = "reconciler.adapters"


def names() -> tuple[str, ...]:
    """The mesh types that can be written in ``Mesh.spec.type``, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


@cache
def load(name: str) -> Adapter | None:
    """The adapter of a mesh type, or None when no such one is installed."""
    for point in entry_points(group=GROUP, name=name):
        adapter = point.load()
        if isinstance(adapter, Adapter):
            return adapter
    return None


def load_all() -> Mapping[str, Adapter]:
    return {name: adapter for name in names() if (adapter := load(name)) is not None}
