"""What may be left out of a policy where that is asked for (docs/api.md, what a mesh lacks)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

#: what may be left out: without it a mesh is less resilient, less observed, or less open, never less safe
DROPPABLE = (
    "access.audit",
    "access.scope",
    "destination.failover",
    "telemetry",
    "traffic.connections",
    "traffic.cors",
    "traffic.fault",
    "traffic.healthCheck",
    "traffic.loadBalancing",
    "traffic.mirror",
    "traffic.outlier",
    "traffic.rateLimit",
    "traffic.retries",
    "traffic.timeout",
    "virtualMesh.defaults.localityPreference",
    "virtualMesh.defaults.telemetry",
)
#: conditions that a Deny may lose, since it then denies more
DENY_DROPPABLE = ("access.match",)


@lru_cache(maxsize=10_000)
def droppable(path: str) -> bool:
    """Whether something may be left out at all, where that is asked for."""
    return _below(path, DROPPABLE)


def droppable_of_deny(path: str) -> bool:
    """Whether a Deny may lose a condition."""
    return _below(path, DENY_DROPPABLE)


def _below(path: str, paths: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in paths)
