"""What the proxy says of a resource that lies in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.envoy.kinds import BOOTSTRAP, SEPARATOR, VIRTUAL_HOST
from reconciler.adapters.leaves import section
from reconciler.model.health import HEALTHY, Health, HealthState
from reconciler.model.refs import ObjectKey


def health(body: Mapping[str, Any]) -> Health:
    """The I/O layer gives a status where the proxy has not taken what lies there."""
    status = body.get("status")
    if not isinstance(status, Mapping) or "state" not in status:
        return HEALTHY
    return Health(HealthState(status["state"]), str(status.get("message", "")), str(status.get("of", "")))


def copy_of(key: ObjectKey) -> str:
    """Every proxy has a copy of what a policy becomes; what it is started with is its own."""
    if key.kind == BOOTSTRAP.kind.kind:
        return str(key)
    return f"{key.kind} {key.name.partition(SEPARATOR)[2]}"


def routed(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The service whose requests a virtual host routes, by the name that all proxies have for it."""
    return (str(section(body, "spec").get("name")),) if body.get("kind") == VIRTUAL_HOST.kind.kind else ()


def claims(body: Mapping[str, Any]) -> tuple[str, ...]:
    """A domain within its route configuration: of two virtual hosts with one, the proxy takes neither."""
    if body.get("kind") != VIRTUAL_HOST.kind.kind:
        return ()
    name, spec = body["metadata"], body.get("spec") or {}
    place = f"{name.get('namespace')}/{name['name'].rpartition('~')[0]}"
    return tuple(f"{place}/{domain}" for domain in spec.get("domains") or ())
