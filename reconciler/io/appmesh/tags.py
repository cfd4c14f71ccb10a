"""Labels and annotations of an object as tags of a resource, and back.

AWS takes 50 tags with keys of 128 and values of 256 characters: letters, digits, spaces and ``+ - = . _ : / @``
(docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html). Our values are written with ``=2C`` in
place of other characters, and in numbered parts where they are longer. What others set is read and kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.native import MANAGED_BY_LABEL, MESH_LABEL, OWNER_LABEL, SUBSET_LABEL
from reconciler.ports import Rejected

MOST, LONGEST_KEY, LONGEST = 50, 128, 256
_PREFIX = "reconciler.dev/"
_STANDS_FOR = f"{_PREFIX}stands-for"
_LABELS = frozenset({MANAGED_BY_LABEL, OWNER_LABEL, MESH_LABEL, SUBSET_LABEL, _STANDS_FOR})
#: tags that AWS sets by itself: nobody else can
_OF_AWS = "aws:"
_TAKEN = re.compile(r"[A-Za-z0-9 +\-=._:/@]*")
_PLAIN = re.compile(r"[A-Za-z0-9 +\-._:/@]")
_PART = re.compile(r"(.+):(\d+)")
_CODE = re.compile(r"=([0-9A-F]{2})")


def to_tags(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Rejected for what cannot be a tag, or is one too many."""
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    for name in annotations:
        if not is_ours(name):
            raise Rejected(f"annotation {name}: the API has tags only, so write it as a label")
    found: dict[str, str] = {}
    for name, value in sorted({**annotations, **labels}.items()):
        if not name.startswith(_OF_AWS):
            found |= _ours(name, str(value)) if is_ours(name) else {name: _checked(name, str(value))}
    if len(found) > MOST:
        raise Rejected(f"{len(found)} tags are too many: AWS takes {MOST} on a resource")
    return found


def from_tags(tags: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """``labels`` and ``annotations``, those that are not empty. A tag of somebody else is a label."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    parts: dict[str, dict[int, str]] = {}
    for key, value in sorted(tags.items()):
        if not is_ours(key):
            labels[key] = value
            continue
        part = _PART.fullmatch(key)
        parts.setdefault(part[1] if part else key, {})[int(part[2]) if part else 1] = value
    for name, several in parts.items():
        text = _decoded("".join(several[number] for number in sorted(several)))
        (labels if name in _LABELS else annotations)[name] = text
    return ({"labels": labels} if labels else {}) | ({"annotations": annotations} if annotations else {})


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As the API takes them."""
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def read(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """As the API gives them."""
    return {one["key"]: one["value"] for one in given}


def is_ours(name: str) -> bool:
    return name.startswith(_PREFIX) or name == MANAGED_BY_LABEL


def removed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The tags that are to go."""
    return sorted(key for key in before if key not in after and not key.startswith(_OF_AWS))


def _ours(name: str, value: str) -> dict[str, str]:
    text = "".join(one if _PLAIN.match(one) else "".join(f"={byte:02X}" for byte in one.encode()) for one in value)
    cut = [text[at : at + LONGEST] for at in range(0, len(text), LONGEST)] or [""]
    return {(name if number == 1 else f"{name}:{number}"): part for number, part in enumerate(cut, 1)}


def _decoded(text: str) -> str:
    raw = _CODE.sub(lambda code: chr(int(code[1], 16)), text)
    return raw.encode("latin-1", errors="replace").decode(errors="replace") if raw != text else text


def _checked(name: str, value: str) -> str:
    if len(name) > LONGEST_KEY or len(value) > LONGEST:
        raise Rejected(f"label {name}: AWS takes keys of {LONGEST_KEY} characters, and values of {LONGEST}")
    return value
