"""TrafficPolicy: how requests to services are carried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.findings import Position
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf, NativePatch, OnUnsupported
from reconciler.model.selectors import Match, PolicySource, PolicyTarget


@dataclass(frozen=True, slots=True)
class TrafficPolicy:
    ref: DocRef
    position: Position
    targets: tuple[PolicyTarget, ...]
    leaves: tuple[Leaf, ...]
    sources: tuple[PolicySource, ...] | None = None  # None: every caller
    matches: tuple[Match, ...] = ()  # empty: every request
    priority: int = 0
    reject_unmatched: bool = False
    expires: datetime | None = None
    on_unsupported: OnUnsupported = OnUnsupported()
    native: tuple[NativePatch, ...] = ()
