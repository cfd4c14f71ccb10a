"""What stands before services at gateways: a document may say it of several routes, each time another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.adapters.envoy import guards, limits
from reconciler.adapters.envoy.guarding import Guarding
from reconciler.adapters.gaps import Gaps
from reconciler.model.findings import Position
from reconciler.model.intents import Origin, Route
from reconciler.model.rules import Leaf

_COUNTED = (limits.LOCAL, limits.GLOBAL)
_APART = (*_COUNTED, guards.EXT_AUTH)
_IN_LISTENER = (limits.GLOBAL, guards.EXT_AUTH)
Native = dict[str, Any]


def told_apart(routes: Iterable[Route], all_routes: Iterable[Route]) -> list[Route]:
    """The routes with keys for what their documents say at several places; ``all_routes`` are those of one listener."""
    places: dict[tuple[str, Any], set[Position]] = {}
    for leaf in (leaf for route in all_routes for leaf in route.leaves if leaf.path in _APART):
        places.setdefault((leaf.path, leaf.policy), set()).add(leaf.position)
    order = {slot: sorted(found) for slot, found in places.items()}
    return [replace(route, leaves=tuple(_keyed(leaf, order) for leaf in route.leaves)) for route in routes]


def _keyed(leaf: Leaf, order: Mapping[tuple[str, Any], list[Position]]) -> Leaf:
    if leaf.path not in _APART:
        return leaf
    place = order[leaf.path, leaf.policy].index(leaf.position) + 1
    return leaf if place == 1 else replace(leaf, key=str(place))


def guarded(native: Mapping[str, Any], route: Route, found: Guarding, gaps: Gaps) -> Native:
    """A native route with what its leaves ask for before it. What a gateway answers by itself is counted by nobody."""
    settings, taken = found.said(route.leaves, gaps)
    configured = {**native.get("typed_per_filter_config", {}), **settings}
    done = {**native, **({"typed_per_filter_config": configured} if configured else {})}
    if taken and "route" in native:
        done["route"] = {**native["route"], "rate_limits": taken}
    elif taken:
        leaf = next(leaf for leaf in route.leaves if leaf.path in _COUNTED)
        gaps.warning("leaf-cancelled", f"{leaf.path} has no effect where the gateway itself answers", leaf)
    return done


def in_listener(routes: Iterable[Route]) -> set[Origin]:
    """Who asks for filters that only a listener can have."""
    return {
        Origin(leaf.policy, leaf.position) for route in routes for leaf in route.leaves if leaf.path in _IN_LISTENER
    }


def is_limited(routes: Iterable[Route]) -> bool:
    return any(leaf.path == limits.LOCAL for route in routes for leaf in route.leaves)
