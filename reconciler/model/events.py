"""Audit events: one per object action and per run. The store chains and numbers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.model.commits import Commit
from reconciler.model.refs import ObjectKey, TargetId


@dataclass(frozen=True, slots=True)
class Actor:
    """Who ran it: ``instance`` host and pid, ``user`` the login, ``trigger`` schedule | manual | signal | once."""

    instance: str
    user: str
    trigger: str


@dataclass(frozen=True, slots=True)
class EventOrigin:
    path: str
    line: int
    kind: str
    name: str  # namespace/name
    commit: str = ""  # since which the line has read so, when it was looked up


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Types: object.created, object.updated, object.adopted, object.replaced, object.pruned, drift.detected,
    drift.ended, health.degraded, health.recovered, verdict.changed, guard.withheld, run.started, run.finished,
    run.failed, target.unreachable, target.reached, source.accepted, source.halted, cluster.removed, audit.archived,
    identity.renewed. ``fields`` are masked field changes; ``details`` what only this type has."""

    id: str
    time: datetime
    run: str
    type: str
    actor: Actor
    commit: Commit | None = None
    origins: tuple[EventOrigin, ...] = ()
    target: TargetId | None = None
    object: ObjectKey | None = None
    before: str = ""
    after: str = ""
    fields: tuple[Mapping[str, Any], ...] = ()
    previous_writer: str = ""  # for drift: manager and time
    result: str = ""
    error: str = ""
    duration: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it lies in the log: ``body`` is its canonical JSON, ``hash`` covers ``previous`` and ``body``."""

    seq: int
    previous: str
    hash: str
    body: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A write about to happen, durable before it does; closed by the event with the same id."""

    id: str
    event: AuditEvent  # as it will be recorded when it succeeds
    resource_version: str  # of the live object before, "" for a create
    desired_hash: str
