"""Values that are about to be kept: read as if they were, and kept in one transaction with the events they go with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.ports import Values


@dataclass
class Draft:
    """``ports.Values`` over a store that is only read. ``values``: what to keep, None for what to delete."""

    store: Values
    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str) -> Any | None:
        return self.values[key] if key in self.values else self.store.get(key)

    def put(self, key: str, value: Any) -> None:
        self.values[key] = value

    def keys(self, prefix: str) -> Sequence[str]:
        known = {*self.store.keys(prefix), *(key for key in self.values if key.startswith(prefix))}
        return sorted(key for key in known if self.values.get(key, "") is not None)

    def delete(self, key: str) -> None:
        self.values[key] = None
