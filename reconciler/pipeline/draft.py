"""Values that are about to be kept: read as if they were, and kept in one transaction with the events they go with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.ports import Store, Values


@dataclass
class Draft:
    """``ports.Values`` over a store that is only read. ``values``: what to keep, None for what to delete. ``read``: all
    that the store has under these ``prefixes``."""

    store: Values
    values: dict[str, Any] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    read: Mapping[str, Any] = field(default_factory=dict)

    def get(self, key: str) -> Any | None:
        if key in self.values:
            return self.values[key]
        return self.read.get(key) if key.startswith(self.prefixes) else self.store.get(key)

    def put(self, key: str, value: Any) -> None:
        self.values[key] = value

    def keys(self, prefix: str) -> Sequence[str]:
        known = {*self.store.keys(prefix), *(key for key in self.values if key.startswith(prefix))}
        return sorted(key for key in known if self.values.get(key, "") is not None)

    def delete(self, key: str) -> None:
        self.values[key] = None


def read_at_once(store: Store, prefixes: tuple[str, ...]) -> Draft:
    """A draft for whoever asks for many of these: one query instead of one for each target."""
    return Draft(store, prefixes=prefixes, read=store.values(prefixes))
