"""AccessPolicy: who may call what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.findings import Position
from reconciler.model.refs import DocRef
from reconciler.model.rules import NativePatch, OnUnsupported
from reconciler.model.selectors import Match, PolicySource, PolicyTarget


class AccessAction(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    ref: DocRef
    position: Position
    action: AccessAction
    targets: tuple[PolicyTarget, ...]
    sources: tuple[PolicySource, ...] | None = None  # None: every caller, those without identity included
    matches: tuple[Match, ...] = ()
    expires: datetime | None = None
    on_unsupported: OnUnsupported = OnUnsupported()
    native: tuple[NativePatch, ...] = ()
