"""Which of what is asked of workloads is about a proxy: telemetry of the narrowest scope around it, and each filter."""

from __future__ import annotations

from reconciler.adapters.envoy.proxies import Proxy
from reconciler.model.intents import MeshIntent
from reconciler.model.workload_intents import FilterIntent, TelemetryIntent, WorkloadScope


def is_in(proxy: Proxy, scope: WorkloadScope) -> bool:
    return scope.namespace in ("", proxy.namespace) and set(scope.labels) <= set(proxy.labels.items())


def telemetry_of(proxy: Proxy, intent: MeshIntent) -> TelemetryIntent | None:
    """What holds for wider scopes is in the intent of the narrower one, too."""
    meant = [one for one in intent.telemetry if is_in(proxy, one.scope)]
    return min(meant, key=_narrowest, default=None)


def filters_of(proxy: Proxy, intent: MeshIntent) -> tuple[FilterIntent, ...]:
    """In the order in which they stand in the proxy: each document once, by its narrowest scope."""
    meant = sorted((one for one in intent.filters if is_in(proxy, one.scope)), key=lambda one: _scope_key(one.scope))
    found = {one.policy: one for one in reversed(meant)}
    return tuple(sorted(found.values(), key=lambda one: (one.order, one.policy)))


def _narrowest(asked: TelemetryIntent) -> tuple[int, bool, WorkloadScope]:
    return _scope_key(asked.scope)


def _scope_key(scope: WorkloadScope) -> tuple[int, bool, WorkloadScope]:
    return (-len(scope.labels), not scope.namespace, scope)
