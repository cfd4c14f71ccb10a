"""What meshes say of objects that live: accepted, not looked at yet, or refused, in their own words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import ObjectKey, TargetId


class HealthState(StrEnum):
    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"


@dataclass(frozen=True, slots=True)
class Health:
    """``of``: what this is about where that is more than the object: all objects of one file, say."""

    state: HealthState
    message: str = ""
    of: str = ""


HEALTHY = Health(HealthState.HEALTHY)


@dataclass(frozen=True, slots=True)
class ObjectHealth:
    """Of one object that is not healthy; ``position`` is that of the policy it comes from."""

    target: TargetId
    key: ObjectKey
    health: Health
    position: Position = NOWHERE
