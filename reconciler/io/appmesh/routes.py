"""In which order the routes of a router are rewritten. The API has no transactions, so for a moment old and new routes
stand side by side: no request that a route takes before and after is without one on the way.

Later places are taken first where routes go back, earlier ones first where they come forward, so that two routes change
places only where they are to; new ones come before old ones go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Spec = Mapping[str, Any]
_LAST = 1001


@dataclass(frozen=True, slots=True)
class Step:
    """``operation``: create, update or delete; ``spec``: as the API takes it, None for one that goes."""

    operation: str
    name: str
    spec: Spec | None


def steps(before: Mapping[str, Spec], after: Mapping[str, Spec]) -> list[Step]:
    """From the routes that are there to those that are to be, by their names."""
    kept = [name for name in after if name in before and before[name] != after[name]]
    back = [name for name in kept if _place(after[name]) >= _place(before[name])]
    forward = [name for name in kept if name not in back]
    new = [name for name in after if name not in before]
    return [
        *(Step("update", name, after[name]) for name in sorted(back, key=lambda n: (-_place(after[n]), n))),
        *(Step("create", name, after[name]) for name in sorted(new, key=lambda n: (-_place(after[n]), n))),
        *(Step("delete", name, None) for name in sorted(before.keys() - after.keys())),
        *(Step("update", name, after[name]) for name in sorted(forward, key=lambda n: (_place(after[n]), n))),
    ]


def _place(spec: Spec) -> int:
    return int(spec.get("priority", _LAST))
