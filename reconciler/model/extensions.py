"""Extension: what no neutral field covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import DocRef
from reconciler.model.rules import NativePatch, OnUnsupported
from reconciler.model.selectors import PolicySource


@dataclass(frozen=True, slots=True)
class RawObject:
    body: Mapping[str, Any]
    position: Position


@dataclass(frozen=True, slots=True)
class ProxyFilter:
    """Code or configuration for proxies. ``kind``: wasm | lua | filterPatch; ``config`` is its block as it is written,
    of a filterPatch the specs by type of mesh."""

    kind: str
    config: Mapping[str, Any]
    position: Position = NOWHERE
    order: int = 0


@dataclass(frozen=True, slots=True)
class Extension:
    """Raw ``objects``, or one ``filter``. ``scope``: for objects meshes and clusters only; empty: everywhere.
    ``versions``: the range that it is made for; "" is every one."""

    ref: DocRef
    position: Position
    scope: tuple[PolicySource, ...]
    objects: tuple[RawObject, ...] = ()
    filter: ProxyFilter | None = None
    on_unsupported: OnUnsupported = OnUnsupported()
    native: tuple[NativePatch, ...] = field(default=())
    versions: str = ""
