"""TelemetryPolicy: what is measured, traced and logged, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.findings import Position
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf, NativePatch, OnUnsupported, Otherwise
from reconciler.model.selectors import PolicySource


@dataclass(frozen=True, slots=True)
class TelemetryPolicy:
    """``leaves`` at paths such as ``telemetry.tracing.percent``; tags are one leaf for each, with the tag as ``key``.

    ``dashboards`` are links for people, of which a mesh knows nothing.

    Losing observability is no danger, so here what a mesh lacks is left out unless the policy says otherwise.
    """

    ref: DocRef
    position: Position
    leaves: tuple[Leaf, ...]
    workloads: tuple[PolicySource, ...] | None = None  # None: every workload
    on_unsupported: OnUnsupported = OnUnsupported(default=Otherwise.DEGRADE)
    native: tuple[NativePatch, ...] = ()
    dashboards: tuple[Leaf, ...] = ()
