"""Extension: what no neutral field covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.findings import Position
from reconciler.model.refs import DocRef
from reconciler.model.selectors import PolicySource


@dataclass(frozen=True, slots=True)
class RawObject:
    body: Mapping[str, Any]
    position: Position


@dataclass(frozen=True, slots=True)
class Extension:
    ref: DocRef
    position: Position
    scope: tuple[PolicySource, ...]  # meshes and clusters only; empty: everywhere
    objects: tuple[RawObject, ...]
