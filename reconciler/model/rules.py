"""Rules as they are merged: one leaf for each field, and the entries of a route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reconciler.model.findings import Position
from reconciler.model.refs import DocRef
from reconciler.model.selectors import PolicyTarget


class Otherwise(StrEnum):
    """What to do where a mesh lacks something that a policy asks."""

    REFUSE = "Refuse"  # the policy is not applied on that destination
    DEGRADE = "Degrade"  # the field is left out, where the hard rules allow it
    FAIL = "Fail"  # the whole run is rejected


@dataclass(frozen=True, slots=True)
class OnUnsupported:
    """A policy's word on what a mesh lacks; None where it leaves that to the Reconciler document."""

    default: Otherwise | None = None
    allow_degrade: tuple[str, ...] | None = None  # globs of capability paths
    emulate: bool | None = None
    all_or_nothing: bool | None = None  # acrossMembers: AllOrNothing

    def over(self, base: OnUnsupported) -> OnUnsupported:
        """What holds where this one is silent."""
        return OnUnsupported(
            self.default if self.default is not None else base.default,
            self.allow_degrade if self.allow_degrade is not None else base.allow_degrade,
            self.emulate if self.emulate is not None else base.emulate,
            self.all_or_nothing if self.all_or_nothing is not None else base.all_or_nothing,
        )


@dataclass(frozen=True, slots=True)
class NativePatch:
    """A JSON merge patch (RFC 7386) for the objects of a kind that a policy makes on meshes of a type."""

    mesh_type: str
    kind: str
    patch: Mapping[str, Any]
    position: Position


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
