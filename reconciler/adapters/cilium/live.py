"""Reading live objects: their health, and what they take for themselves. Permissions of several policies add up, so
that only routes have anything for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.base import Health, HealthState
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings
from reconciler.adapters.standard import live

claims = live.claims
routed = live.routed


def health(body: Mapping[str, Any]) -> Health:
    """A policy is told to be valid by the operator; routes and gateways have conditions of Gateway API."""
    if not str(body.get("apiVersion", "")).startswith("cilium.io/"):
        return live.health(body)
    for condition in mappings(section(body, "status").get("conditions")):
        if condition.get("type") == "Valid" and condition.get("status") == "False":
            return Health(HealthState.DEGRADED, str(condition.get("message") or condition.get("reason") or "invalid"))
    return Health(HealthState.HEALTHY)
