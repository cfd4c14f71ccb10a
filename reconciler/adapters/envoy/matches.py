"""Neutral matches as ``RouteMatch``; and where a neutral route has none, the one that every request meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import Route

if TYPE_CHECKING:
    from reconciler.adapters.envoy.routes import Called

EVERY = {"prefix": "/"}


def route_matches(route: Route, called: Called, gaps: Gaps) -> list[dict[str, Any]]:
    return [EVERY]
