"""Header operations, of a route or of one of the clusters that it sends to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import header_leaf, section
from reconciler.model.rules import Leaf

_AUTHORITY = ("host", ":authority")
_ACTIONS = {"set": "OVERWRITE_IF_EXISTS_OR_ADD", "add": "APPEND_IF_EXISTS_OR_ADD"}
SIDES = ("request", "response")


@dataclass(frozen=True, slots=True)
class Changes:
    """``fields`` of a Route or ClusterWeight. ``host``: what the authority of requests becomes, which is no header to
    the proxy; "" where it stays."""

    fields: Mapping[str, Any]
    host: str = ""


def changes(asked: Mapping[str, Any], gaps: Gaps, leaves: Iterable[Leaf] = (), sides: Iterable[str] = SIDES) -> Changes:
    """``leaves``: those that ask for it, if any."""
    if not asked:
        return Changes({})
    fields: dict[str, Any] = {}
    for side in sides:
        fields |= _side(side, section(asked, side), gaps, leaves)
    wanted = section(section(asked, "request"), "set")
    host = next((str(value) for name, value in sorted(wanted.items()) if name.lower() in _AUTHORITY), "")
    return Changes(fields, host if "request" in sides else "")


def _side(side: str, asked: Mapping[str, Any], gaps: Gaps, leaves: Iterable[Leaf]) -> dict[str, Any]:
    removed = sorted(str(name) for name in asked.get("remove") or ())
    for name in removed:
        _check(side, name, gaps, leaves)
    added = list(_added(side, asked, gaps, leaves))
    native = {f"{side}_headers_to_add": added, f"{side}_headers_to_remove": removed}
    return {field: value for field, value in native.items() if value}


def _added(side: str, asked: Mapping[str, Any], gaps: Gaps, leaves: Iterable[Leaf]) -> Iterator[dict[str, Any]]:
    for operation, action in _ACTIONS.items():
        for name, value in sorted(section(asked, operation).items()):
            if side == "request" and operation == "set" and name.lower() in _AUTHORITY:
                continue
            _check(side, name, gaps, leaves)
            # a percent sign would begin a command
            header = {"key": str(name), "value": str(value).replace("%", "%%")}
            yield {"header": header, "append_action": action, **({} if value else {"keep_empty_value": True})}


def _check(side: str, name: str, gaps: Gaps, leaves: Iterable[Leaf]) -> None:
    if name.startswith(":") or name.lower() == "host":
        told = f"the mesh does not let header {name!r} of a {side} be changed here"
        gaps.error("mesh-invalid-value", told, header_leaf(leaves, side, name))
