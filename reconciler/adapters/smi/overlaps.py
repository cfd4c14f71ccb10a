"""Requests that several rules of Open Service Mesh are about: its proxies take the first that fits, in an order that
nobody says, and ask only that one who may call.

Source: openservicemesh/osm, pkg/catalog/inbound_traffic_policies.go (rules in the order of a cache, merged where their
requests are the same), pkg/envoy/rds/route/route_config.go (a route for each, with its own callers).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.smi.callers import sources
from reconciler.adapters.smi.ports import in_reach, meant
from reconciler.adapters.smi.requests import http_matches
from reconciler.adapters.standard.conditions import Condition, Unsure, common
from reconciler.adapters.standard.matches import conditions
from reconciler.model.intents import AccessIntent, MeshIntent

Group = Sequence[AccessIntent]
Asked = tuple[list[dict[str, Any]], tuple[Condition, ...]]


def tell_overlaps(group: Group, others: Iterable[Group], intent: MeshIntent, gaps: Gaps) -> None:
    """What of a policy is uncertain beside others about the same service. What cannot be said is told elsewhere."""
    mine, callers = _asked(group, intent), _callers(group, intent)
    for other in others:
        if callers != _callers(other, intent) and _meet(mine, _asked(other, intent)):
            told = f"some requests to {group[0].service.label} fit {group[0].policy} and {other[0].policy}"
            hint = "give both the same callers, or requests of which none fits both"
            gaps.warning("route-order", f"{told}, and the mesh asks only one of these who may send them", hint=hint)


def _callers(group: Group, intent: MeshIntent) -> list[dict[str, str]]:
    return sources((one for access in group for one in access.identities or ()), intent, Gaps())


def _asked(group: Group, intent: MeshIntent) -> list[Asked]:
    """Each match as the mesh has it, and as what it may have in common with another."""
    several = in_reach(group, Gaps())
    if not several or not meant(several, False, intent, Gaps()).requests:
        return []
    return [(http_matches(match, Gaps()), conditions((match,), Gaps())) for _, match in several]


def _meet(mine: Iterable[Asked], its: Sequence[Asked]) -> bool:
    """Rules that say the same are one to the mesh, with the callers of both."""
    return any(
        one != other and any(_both(first, second) for first in ours for second in theirs)
        for one, ours in mine
        for other, theirs in its
    )


def _both(one: Condition, other: Condition) -> bool:
    try:
        return common(one, other) is not None
    except Unsure:
        return True
