"""``requestHeaders`` and ``responseHeaders``, of a route or of one of its destinations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import header_leaf, section
from reconciler.model.rules import Leaf


def operations(asked: Mapping[str, Any], gaps: Gaps, leaves: Iterable[Leaf] = ()) -> dict[str, Any]:
    """``{request: {set, add, remove}, response: ...}``; ``remove`` is a list of names, or a mapping with them as keys.
    ``leaves``: those that ask for it, if any."""
    native = {f"{side}Headers": _side(side, section(asked, side), gaps, leaves) for side in ("request", "response")}
    return {name: done for name, done in native.items() if done}


def _side(side: str, asked: Mapping[str, Any], gaps: Gaps, leaves: Iterable[Leaf]) -> dict[str, Any]:
    native: dict[str, Any] = {}
    for verb in ("add", "set"):
        values = {str(name): str(value) for name, value in sorted(section(asked, verb).items())}
        native |= {verb: values} if values else {}
    removed = sorted(str(name) for name in asked.get("remove") or ())
    native |= {"remove": removed} if removed else {}
    for name in (*section(asked, "add"), *section(asked, "set"), *removed):
        if str(name).startswith(":") or str(name).lower() == "host":
            told = f"the mesh does not let header {name!r} of a {side} be changed"
            gaps.error("mesh-invalid-value", told, header_leaf(leaves, side, str(name)))
    return native
