"""Which routes hold for whom. The mesh merges the routes in the callers' namespace with those in the service's own, so
that the former have to win by their conditions alone: of two equal ones the older would count.

Source: linkerd2, policy-controller/k8s/index/src/outbound/index.rs (apply_http_route: producer and consumer routes).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.linkerd.order import outranks
from reconciler.adapters.linkerd.routes import wanted
from reconciler.adapters.standard.conditions import Condition, Unsure, common
from reconciler.adapters.standard.precedence import TooMany, in_order
from reconciler.adapters.standard.tables import Table
from reconciler.model.intents import Route


def merged(tables: Sequence[Table], namespace: str, gaps: Gaps) -> list[Table]:
    """The tables as the mesh puts them together: where there are routes for all callers, those of a namespace are
    only its own."""
    for_all = {table.port: table for table in tables if table.namespace == namespace}
    made = []
    for table in tables:
        beside = for_all.get(table.port)
        if table is beside or beside is None:
            made.append(table)
        elif own := _beside(table, beside, gaps):
            made.append(replace(table, routes=own))
    return made


def _beside(table: Table, for_all: Table, gaps: Gaps) -> tuple[Route, ...]:
    """The routes that only these callers have, which is an error where one of both would be taken for the other."""
    own = tuple(route for route in table.routes if route not in for_all.routes)
    told = _EQUAL.format(table.namespace, for_all.namespace)
    if table.rejects != for_all.rejects:
        gaps.about(table.routes[0].askers.match if table.routes else ()).error("mesh-inexpressible", told)
    taken = {**_ordered(for_all.routes, gaps), **_ordered(own, gaps)}
    for at, route in enumerate(table.routes):
        for later in table.routes[at + 1 :]:
            if (route in own) != (later in own) and not _wins(taken[_of(route)], taken[_of(later)]):
                asked = gaps.about((route if route in own else later).askers.match)
                asked.error("mesh-inexpressible", told)
    return own


def _ordered(routes: Sequence[Route], gaps: Gaps) -> dict[object, tuple[Condition, ...]]:
    """The conditions of routes as they will be written."""
    asked = [wanted(route, gaps) for route in routes]
    try:
        found = in_order(asked, rank=outranks).rules
    except TooMany:
        found = tuple(asked)
    return {_of(route): conditions for route, conditions in zip(routes, found, strict=True)}


def _of(route: Route) -> object:
    return (route.name, route.sources, route.matches, route.origins)


_EQUAL = (
    "the mesh merges routes for the callers in {} with those for all callers in {}, and of two that take the same "
    "requests the older object would count"
)


def _wins(earlier: Iterable[Condition], later: Sequence[Condition]) -> bool:
    """Whether all that both take goes to the earlier one, in whichever objects they stand."""
    for one in earlier:
        for other in later:
            try:
                if common(one, other) is not None and outranks(one, other) != 1:
                    return False
            except Unsure:
                return False
    return True
