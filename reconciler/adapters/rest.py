"""What has no neutral field, gathered while an object is read: a native patch of its spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Rest:
    """``patch`` of spec; ``fields`` are the paths in it."""

    def __init__(self) -> None:
        self.patch: dict[str, Any] = {}
        self.fields: list[str] = []

    def keep(self, given: Mapping[str, Any], known: Iterable[str], *path: str) -> None:
        """Everything of a part of spec but what is known."""
        for field, value in sorted(given.items()):
            if field not in set(known) and value not in (None, {}, []):
                self.put(value, *path, field)

    def put(self, value: Any, *path: str) -> None:
        into = self.patch
        for part in path[:-1]:
            into = into.setdefault(part, {})
        into[path[-1]] = value
        self.fields.append(".".join(path))
