"""Reading live objects: the form in which they are compared, their health, and what they take for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.consul.kinds import GROUP, MESH, PROXY_DEFAULTS, SERVICE_INTENTIONS
from reconciler.adapters.consul.telemetry import UNSAID
from reconciler.adapters.durations import canonical
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings
from reconciler.model.health import HEALTHY, Health, HealthState

_DURATIONS = frozenset({"connectTimeout", "requestTimeout", "idleTimeout", "interval", "baseEjectionTime", "ttl"})
#: their keys are the users', and what is empty there is said
_FREE = frozenset({"add", "set", "config", "arguments"})
#: what a server fills in: where a service or a source is named, and who issues tokens
_SAME = (("namespace", "default"), ("partition", "default"), ("clockSkewSeconds", 30))
#: what may well be nothing and is said then: unset, proxies have defaults of their own
_COUNTS = frozenset(
    {
        "weight", "maxConnections", "maxPendingRequests", "maxConcurrentRequests", "maxEjectionPercent",
        "enforcingConsecutive5xx",
    }
)  # fmt: skip


def normalize(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what says nothing: servers leave out what is unset, and write it out now and then. Lengths of time in one
    spelling; sources of intentions in one order, since it means nothing; what was switched off, said."""
    if not str(body.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return body
    spec = _plain(body.get("spec") or {})
    if body.get("kind") == SERVICE_INTENTIONS.kind.kind and isinstance(spec.get("sources"), list):
        spec["sources"] = sorted(spec["sources"], key=_by_name)
    if body.get("kind") == MESH.kind.kind and "transparentProxy" in (body.get("spec") or {}):
        spec["transparentProxy"] = {"meshDestinationsOnly": False, **section(spec, "transparentProxy")}
    if body.get("kind") == PROXY_DEFAULTS.kind.kind and "accessLogs" in (body.get("spec") or {}):
        spec["accessLogs"] = {**UNSAID, **section(spec, "accessLogs")}
    return {**body, "spec": spec}


def _by_name(source: Any) -> tuple[bool, str]:
    name = str(source.get("name", "")) if isinstance(source, Mapping) else ""
    return (name == "*", name)


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping) and name not in _FREE:
        found = {key: _plain(item, str(key)) for key, item in value.items()}
        return {key: item for key, item in found.items() if not _says_nothing(str(key), item)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if name in _DURATIONS and isinstance(value, str):
        return canonical(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _says_nothing(name: str, value: Any) -> bool:
    if name in _COUNTS:
        return value is None
    return value in (None, "", False) or value in ({}, []) or (name, value) in _SAME


def health(body: Mapping[str, Any]) -> Health:
    """What the controller of consul-k8s says of a custom resource; of entries nothing is said, since a server takes
    them or refuses them at once."""
    for condition in mappings(section(body, "status").get("conditions")):
        if condition.get("type") != "Synced":
            continue
        told = str(condition.get("message") or condition.get("reason") or "not synced")
        if condition.get("status") == "False":
            return Health(HealthState.DEGRADED, f"Synced: {told}")
        if condition.get("status") != "True":
            return Health(HealthState.PROGRESSING, f"Synced: {told}")
    return HEALTHY


def claims(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The entry of a name: there is one, whatever namespace the object lies in. Intentions are named by what they are
    for."""
    if not str(body.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return ()
    kind, name = str(body.get("kind")), str(section(body, "metadata").get("name", ""))
    if kind == SERVICE_INTENTIONS.kind.kind:
        name = str(section(section(body, "spec"), "destination").get("name", ""))
    return (f"the {kind} of {name}",)
