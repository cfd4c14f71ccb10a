"""The routes of a host as a list of (condition, action), the first that takes a request counting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.first_match import Unit, in_one_order, needed
from reconciler.adapters.importing import Scene
from reconciler.adapters.istio.meaning.actions import action
from reconciler.adapters.istio.meaning.conditions import condition

#: what the mesh answers where no route takes a request
NOT_FOUND = {"directResponse": {"status": 404}}


def routes(http: Iterable[Mapping[str, Any]], namespace: str, scene: Scene) -> list[Unit]:
    """The routes that can take a request, in their one order."""
    units: list[Unit] = []
    for one in http:
        for entry in one.get("match") or [{}]:
            found = condition(entry)
            unit = (found, action(one, found, namespace, scene))
            if unit not in units:  # a second one of the same condition takes nothing that the first has left
                units.append(unit)
            if not found:
                return in_one_order(needed(units[:-1] if unit[1] == NOT_FOUND else units))
    return in_one_order(units)
