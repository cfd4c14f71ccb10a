"""The items of ``traffic.route`` and ``traffic.mirror`` as typed values, whichever of the two forms a leaf carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.findings import Position
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf, RouteEntry
from reconciler.model.selectors import PolicyTarget

ROUTE = "traffic.route"
MIRROR = "traffic.mirror"


def route_entries(leaf: Leaf) -> tuple[RouteEntry, ...]:
    """The entries of a leaf: typed ones as they are, plain JSON in the long form parsed; others have none.

    A weight left out is 1, a percent left out 100.
    """
    if leaf.path not in (ROUTE, MIRROR):
        return ()
    return tuple(item if isinstance(item, RouteEntry) else _entry(item, leaf) for item in leaf.value)


def _entry(item: Mapping[str, Any], leaf: Leaf) -> RouteEntry:
    weight = item.get("percent", 100) if leaf.path == MIRROR else item.get("weight", 1)
    return RouteEntry(_target(item.get("to") or {}, leaf.position), float(weight), item.get("headers") or {})


def _target(to: Mapping[str, Any], position: Position) -> PolicyTarget:
    subset = to.get("subset") or {}
    named = isinstance(subset, str)
    return PolicyTarget(
        services=tuple(
            ServiceRef(str(ref["name"]), str(ref["namespace"]), str(ref.get("cluster") or ""))
            for ref in to.get("services") or ()
        ),
        destinations=tuple(to.get("destinations") or ()),
        hosts=tuple(to.get("hosts") or ()),
        subset=() if named else tuple(sorted((str(key), str(value)) for key, value in subset.items())),
        subset_name=str(subset) if named else "",
        ports=tuple(to.get("ports") or ()),
        position=position,
    )
