"""Secrets do not leave the plan: masked values, equal ones by equal marks within one report.

Masked: data of Secrets, values of headers named like credentials (by a field's name or by a name beside the value),
paths named by ``audit.redact[]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model import canonical
from reconciler.model.refs import ObjectKey
from reconciler.plan.paths import Path, get, parse

_CREDENTIAL = re.compile(
    r"(?i)^(authorization|proxy-authorization|cookie|set-cookie|.*[-_](token|key|secret|password))$"
)
#: fields with the name of a header, and those with what it is, where a mesh writes the two beside each other
_NAMED = ("name", "key", "header")
_CARRIES = frozenset(
    {"value", "values", "rawValue", "raw_value", "exact", "prefix", "suffix", "regex", "contains", "stringMatch",
     "string_match", "exactMatch", "exact_match"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Masking:
    """What several plans of one report have in common: more paths that are secret, and the marks given so far."""

    redact: tuple[str, ...] = ()
    marks: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Masker:
    """Gives each distinct secret value a mark ``<masked #n>``, in order of first sight."""

    redact: tuple[str, ...] = ()
    _marks: dict[str, str] = field(default_factory=dict)

    def value(self, key: ObjectKey, path: Path, value: Any, bodies: Sequence[Any] = ()) -> Any:
        """The value as it may be shown: itself, or marks in the place of what is secret within it. ``bodies``: the
        objects that it is a part of, which tell what stands beside it."""
        if value is None:
            return None
        if self._secret(key, path) or any(_beside_credential(path, body) for body in bodies):
            return self._mark(value)
        if isinstance(value, Mapping):
            secret = _CARRIES if _names_credential(value) else ()
            return {
                name: self._mark(item) if name in secret else self.value(key, (*path, name), item)
                for name, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(key, (*path, index), item) for index, item in enumerate(value)]
        return value

    def _mark(self, value: Any) -> str:
        text = canonical.encode(value)
        return self._marks.setdefault(text, f"<masked #{len(self._marks) + 1}>")

    def _secret(self, key: ObjectKey, path: Path) -> bool:
        if key.group == "" and key.kind == "Secret" and path[:1] in (("data",), ("stringData",)):
            return len(path) > 1
        if any(isinstance(part, str) and _CREDENTIAL.match(part) for part in path):
            return path[0] != "metadata" or len(path) > 2
        return any(self._redacted(key, path, text) for text in self.redact)

    @staticmethod
    def _redacted(key: ObjectKey, path: Path, text: str) -> bool:
        kind, _, rest = text.rpartition(":")
        if kind and kind != key.kind:
            return False
        try:
            pattern = parse(rest.removeprefix("$."))
        except ValueError:
            return False
        return len(pattern) <= len(path) and all(want in ("*", part) for want, part in zip(pattern, path, strict=False))


def _names_credential(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    names = (value.get(field) for field in _NAMED)
    return any(isinstance(name, str) and _CREDENTIAL.match(name) for name in names)


def _beside_credential(path: Path, body: Any) -> bool:
    """Whether the way to a place goes by the name of a credential into what that is."""
    return any(
        part in _CARRIES and _names_credential(get(body, path[:depth])) for depth, part in enumerate(path) if depth
    )
