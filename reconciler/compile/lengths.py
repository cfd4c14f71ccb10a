"""Durations of a rule in one spelling, so that ``60s`` and ``1m`` are not a conflict. Known by where they stand: a
header may well be called timeout."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.durations import canonical
from reconciler.model.rules import Leaf

#: every field of a rule that is a duration, lists left out
LENGTHS = frozenset(
    {
        "traffic.connections.http.idle",
        "traffic.connections.tcp.connectTimeout",
        "traffic.connections.tcp.keepalive.interval",
        "traffic.connections.tcp.keepalive.time",
        "traffic.cors.maxAge",
        "traffic.extAuth.timeout",
        "traffic.fault.delay.duration",
        "traffic.healthCheck.interval",
        "traffic.healthCheck.timeout",
        "traffic.loadBalancing.hash.cookie.ttl",
        "traffic.loadBalancing.warmup",
        "traffic.outlier.baseEjection",
        "traffic.outlier.interval",
        "traffic.rateLimit.global.timeout",
        "traffic.retries.backoff.base",
        "traffic.retries.backoff.max",
        "traffic.retries.budget.ttl",
        "traffic.retries.perTry",
        "traffic.timeout.connect",
        "traffic.timeout.idle",
        "traffic.timeout.request",
        "traffic.timeout.stream",
    }
)
_ABOVE = frozenset(path.rpartition(".")[0] for path in LENGTHS)


def one_spelling(leaf: Leaf) -> Any:
    """The value of a leaf with every duration in its one spelling."""
    return _respelled(leaf.path, leaf.value)


def _respelled(path: str, value: Any) -> Any:
    if path in LENGTHS:
        return canonical(value) if isinstance(value, str) else value
    if path in _ABOVE and isinstance(value, dict):
        return {key: _respelled(f"{path}.{key}", item) for key, item in value.items()}
    return value
