"""Labels and annotations of an object as the ``Meta`` of an entry or an intention, and back.

A value of ``Meta`` has at most 512 bytes (config_entry.go, ``metaValueMaxLength``), so a longer one is cut into parts
that are numbered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.model.native import MANAGED_BY_LABEL, MESH_LABEL, OWNER_LABEL, SUBSET_LABEL

LONGEST = 512
_LABELS = frozenset({MANAGED_BY_LABEL, OWNER_LABEL, MESH_LABEL, SUBSET_LABEL})
_PART = re.compile(r"(.+)~(\d+)")


def to_meta(metadata: Mapping[str, Any]) -> dict[str, str]:
    """All labels and annotations of an object."""
    given = {**(metadata.get("annotations") or {}), **(metadata.get("labels") or {})}
    return {key: part for name, value in sorted(given.items()) for key, part in _parts(name, str(value))}


def to_metadata(meta: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """``labels`` and ``annotations``, those that are not empty. What is not ours to tell apart is an annotation."""
    whole: dict[str, dict[int, str]] = {}
    for key, value in meta.items():
        part = _PART.fullmatch(key)
        whole.setdefault(part[1] if part else key, {})[int(part[2]) if part else 1] = str(value)
    given = {name: "".join(parts[number] for number in sorted(parts)) for name, parts in sorted(whole.items())}
    labels = {name: value for name, value in given.items() if name in _LABELS}
    annotations = {name: value for name, value in given.items() if name not in _LABELS}
    return ({"labels": labels} if labels else {}) | ({"annotations": annotations} if annotations else {})


def _parts(name: str, value: str) -> list[tuple[str, str]]:
    parts, rest = [], value
    while rest:
        part = rest.encode()[:LONGEST].decode(errors="ignore")
        parts.append(part)
        rest = rest[len(part) :]
    return [(name if number == 1 else f"{name}~{number}", part) for number, part in enumerate(parts or [""], 1)]
