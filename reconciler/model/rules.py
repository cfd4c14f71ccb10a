"""Rules as they are merged: one leaf for each field, and the entries of a route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.findings import Position
from reconciler.model.refs import DocRef
from reconciler.model.selectors import PolicyTarget


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field of a rule that is merged as a whole: ``path`` is its capability path without lists.

    ``value`` is plain JSON data in the long form of docs/api.md (route: a list of objects, timeout.request: "3s").
    Header operations are one leaf per key: ``traffic.headers.request.set`` with ``key`` "x-user".
    """

    path: str
    value: Any
    position: Position
    policy: DocRef
    key: str = ""

    @property
    def slot(self) -> tuple[str, str]:
        """What two leaves must share to be in conflict."""
        return (self.path, self.key)


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One item of ``traffic.route`` or ``traffic.mirror`` (there ``weight`` is the percent)."""

    to: PolicyTarget
    weight: float
    headers: Mapping[str, Any] = field(default_factory=dict)
