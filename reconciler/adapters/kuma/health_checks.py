"""MeshHealthCheck: active checks of a service's endpoints by every proxy that calls it."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.destinations import of_connections
from reconciler.adapters.kuma.kinds import HEALTH_CHECK
from reconciler.adapters.kuma.lengths import duration
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject

#: what holds where nothing is said
_USUAL = {"interval": "10s", "timeout": "1s", "healthyThreshold": 2, "unhealthyThreshold": 3}


def health_check(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The policy of a service, None where nothing of it is asked."""
    asked = section(tree(host.host_leaves), "healthCheck")
    if not asked:
        return None
    leaf = leaf_at(host.host_leaves, "traffic.healthCheck")
    default: dict[str, Any] = dict(_USUAL)
    default |= {field: duration(asked[field], leaf, gaps) for field in ("interval", "timeout") if field in asked}
    names = {"healthy": "healthyThreshold", "unhealthy": "unhealthyThreshold"}
    default |= {name: int(asked[field]) for field, name in names.items() if field in asked}
    match asked.get("protocol", "HTTP"):
        case "TCP":
            default["tcp"] = {}
        case "GRPC":
            default["grpc"] = {}
        case _:
            default["http"] = {"path": str(asked.get("path", "/"))}
    return of_connections(HEALTH_CHECK, default, ("traffic.healthCheck.",), host, intent)
