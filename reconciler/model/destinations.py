"""Destination: a named thing to call, and its subsets."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import DocRef, ServiceRef


@dataclass(frozen=True, slots=True)
class Subset:
    name: str
    labels: tuple[tuple[str, str], ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Destination:
    ref: DocRef
    position: Position
    service: ServiceRef
    subsets: tuple[Subset, ...] = ()
