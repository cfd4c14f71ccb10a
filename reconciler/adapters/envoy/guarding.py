"""Limits, origins and servers that stand before services: what routes, virtual hosts and a listener say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envoy import guards, limits
from reconciler.adapters.envoy.filters import CSRF, GATE, LOCAL_LIMIT
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.proxy_parts import counted
from reconciler.model.intents import MeshIntent, Route
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf

#: how many global limits a connection manager takes
_MOST = limits.STAGES
Native = dict[str, Any]
_Limit = tuple[DocRef, str]


@dataclass(frozen=True, slots=True)
class Guarding:
    """``settings`` of virtual hosts, and ``filters`` that their listener needs, by what policies ask of requests."""

    stages: Mapping[_Limit, int]
    settings: Mapping[str, Native]
    filters: tuple[Native, ...]

    def said(self, leaves: Iterable[Leaf], gaps: Gaps) -> tuple[dict[str, Native], list[Native]]:
        """What a route with these leaves says: ``typed_per_filter_config`` and ``rate_limits``."""
        leaves = tuple(leaves)
        settings = {name: config for leaf in leaves for name, config in _settings(leaf, gaps)}
        if needed := sorted(self._needed(leaves)):
            settings[GATE] = guards.gate(needed)
        return settings, [one for leaf in leaves for one in self._taken(leaf)]

    def _needed(self, leaves: Iterable[Leaf]) -> Iterator[str]:
        """Filters of the listener without which requests must not go on."""
        for leaf in leaves:
            if leaf.path == guards.EXT_AUTH and leaf.value.get("failOpen") is not True:
                yield guards.authorizer_name(leaf)
            elif leaf.path == limits.GLOBAL and leaf.value.get("failOpen") is False:
                yield limits.global_name(self.stages[leaf.policy, leaf.key])

    def _taken(self, leaf: Leaf) -> list[Native]:
        if leaf.path == limits.LOCAL:
            return limits.taken(leaf)
        return counted(leaf.value, self.stages[leaf.policy, leaf.key]) if leaf.path == limits.GLOBAL else []


def guarding(routes: Iterable[Route], intent: MeshIntent, gaps: Gaps) -> Guarding:
    """For all routes that one listener is in front of."""
    routes = tuple(routes)
    limited = _leaves(routes, limits.GLOBAL)
    if len(limited) > _MOST:
        gaps.error("mesh-inexpressible", f"the proxy takes at most {_MOST} global limits of a service", limited[_MOST])
    stages = {(leaf.policy, leaf.key): stage for stage, leaf in enumerate(limited)}
    local = _leaves(routes, limits.LOCAL)
    filters = [limits.global_filter(stages[leaf.policy, leaf.key], leaf, intent, gaps) for leaf in limited[:_MOST]]
    filters += [guards.authorizer(leaf, intent, gaps) for leaf in _leaves(routes, guards.EXT_AUTH)]
    passed = [guards.passed([one["name"] for one in filters])] if filters else []
    buckets = {LOCAL_LIMIT: limits.buckets(local, gaps)} if local else {}
    return Guarding(stages, buckets, (*filters, *passed))


def _leaves(routes: Iterable[Route], path: str) -> list[Leaf]:
    """Each once, in the order of its policies."""
    found = {(leaf.policy, leaf.key): leaf for route in routes for leaf in route.leaves if leaf.path == path}
    return [found[each] for each in sorted(found)]


def _settings(leaf: Leaf, gaps: Gaps) -> Iterator[tuple[str, Native]]:
    if leaf.path == guards.CSRF:
        yield CSRF, guards.origins(leaf, gaps)
    elif leaf.path == guards.EXT_AUTH:
        yield guards.authorizer_name(leaf), guards.asked_here()
