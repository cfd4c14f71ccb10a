"""Header operations, of a route or of one of its destinations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import header_leaf, section
from reconciler.model.rules import Leaf

_AUTHORITY = {"host", ":authority"}


def operations(asked: Mapping[str, Any], gaps: Gaps, leaves: Iterable[Leaf] = ()) -> dict[str, Any]:
    """``{request: {set, add, remove}, response: ...}`` as Istio's ``headers``; ``remove`` is a list of names, or a
    mapping whose keys they are. ``leaves``: those that ask for it, if any."""
    if not asked:
        return {}
    native = {side: _side(side, section(asked, side), gaps, leaves) for side in ("request", "response")}
    return {side: done for side, done in native.items() if done}


def _side(side: str, asked: Mapping[str, Any], gaps: Gaps, leaves: Iterable[Leaf]) -> dict[str, Any]:
    native: dict[str, Any] = {}
    for operation in ("set", "add"):
        values = {str(name): str(value) for name, value in sorted(section(asked, operation).items())}
        for name in values:
            _check(side, name, gaps, header_leaf(leaves, side, name))
        if values:
            native[operation] = values
    removed = sorted(str(name) for name in asked.get("remove") or ())
    for name in removed:
        _check("response", name, gaps, header_leaf(leaves, side, name))
    return native | {"remove": removed} if removed else native


def _check(side: str, name: str, gaps: Gaps, leaf: Leaf | None) -> None:
    """The mesh lets a request's authority be set, and no other header of its own."""
    if (name.startswith(":") or name.lower() == "host") and not (side == "request" and name.lower() in _AUTHORITY):
        gaps.error("mesh-invalid-value", f"the mesh does not let header {name!r} of a {side} be changed here", leaf)
