"""Objects of others that carry keys of ours: labels and annotations, one by one.

Owner and mesh are annotations there, since a label of somebody else's object may select it for what its owner does; and
an annotation names the keys, for clusters that do not record who wrote what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.native import KEYS_ANNOTATION, OWNER_LABEL

PARTS = ("annotations", "labels")


def is_lent(metadata: Mapping[str, Any]) -> bool:
    """Whether an object, live or to be written, is somebody else's with keys of ours."""
    return OWNER_LABEL in (metadata.get("annotations") or {}) and OWNER_LABEL not in (metadata.get("labels") or {})


def worded(metadata: Mapping[str, Any]) -> str:
    """The labels and annotations of a body as ``annotations/<key>,labels/<key>``, sorted."""
    return ",".join(sorted(f"{part}/{key}" for part in PARTS for key in metadata.get(part) or {}))


def named(metadata: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    """The keys that an object says are ours, by part."""
    items = str((metadata.get("annotations") or {}).get(KEYS_ANNOTATION, "")).split(",")
    found = [item.partition("/") for item in items]
    return {part: frozenset(key for said, _, key in found if said == part and key) for part in PARTS}
