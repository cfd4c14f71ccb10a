"""What is asked of workloads themselves, whoever calls them: telemetry and filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.origins import Origin
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf


@dataclass(frozen=True, slots=True, order=True)
class WorkloadScope:
    """Workloads with all these labels in this namespace; "" and () mean all."""

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    def covers(self, other: WorkloadScope) -> bool:
        """Whether every workload of the other is provably one of this."""
        return self.namespace in ("", other.namespace) and set(self.labels) <= set(other.labels)


@dataclass(frozen=True, slots=True)
class TelemetryIntent:
    """All that holds for a scope: what its own policies say, and what wider ones say (``inherited``) where these are
    silent."""

    scope: WorkloadScope
    leaves: tuple[Leaf, ...]
    origins: tuple[Origin, ...]
    inherited: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class DashboardIntent:
    """A page where people see the workloads of a scope. Nothing is written for it."""

    scope: WorkloadScope
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class FilterIntent:
    """A piece of code or configuration for the proxies of some workloads.

    ``kind``: wasm (``config`` as the fields of the document), lua (``config`` has ``inline``), or patch (``config`` is
    the native body, an object with ``apiVersion``, ``kind`` and ``spec``).
    """

    policy: DocRef
    kind: str
    scope: WorkloadScope
    order: int
    config: Mapping[str, Any] = field(default_factory=dict)
    origins: tuple[Origin, ...] = ()
