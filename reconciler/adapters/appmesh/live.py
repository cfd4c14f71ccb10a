"""Reading live objects: the form in which they are compared, their health, and what they take for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.appmesh.kinds import GROUP
from reconciler.adapters.base import Health, HealthState
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings, name, namespace

#: references that the webhook fills in, once and for all (webhooks/appmesh of the controller)
_ADDED = ("meshRef", "virtualGatewayRef")
#: empty, these mean every request, or all that could be selected
_EVERYTHING = ("match", "Selector")
#: the condition of each kind ends so: VirtualRouterActive
_ACTIVE = "Active"


def normalize(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A body without what the webhook adds: the mesh that selects the namespace, and the usual name in the service; and
    without lists and parts of its fields that are empty, which AWS answers now and then where nothing was said."""
    spec = body.get("spec")
    if not str(body.get("apiVersion", "")).startswith(f"{GROUP}/") or not isinstance(spec, Mapping):
        return body
    kept = _said({key: value for key, value in spec.items() if key not in _ADDED})
    if kept.get("awsName") in ("", usual_name(body)):
        del kept["awsName"]
    return {**body, "spec": kept}


def _said(value: Any) -> Any:
    """Without what is empty, but for what means everything then."""
    if isinstance(value, list):
        return [_said(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    known = {key: _said(item) for key, item in value.items()}
    return {key: item for key, item in known.items() if item not in ({}, []) or key.endswith(_EVERYTHING)}


def usual_name(body: Mapping[str, Any]) -> str:
    """The name in the service where an object says none."""
    kind = body.get("kind")
    if kind == "Mesh":
        return name(body)
    return f"{name(body)}{'.' if kind == 'VirtualService' else '_'}{namespace(body)}"


def called(body: Mapping[str, Any]) -> str:
    """The name by which callers know a VirtualService."""
    return str(section(body, "spec").get("awsName") or usual_name(body))


def health(body: Mapping[str, Any]) -> Health:
    """What the controller says of an object; nothing counts as healthy."""
    generation = section(body, "metadata").get("generation")
    status = section(body, "status")
    for condition in mappings(status.get("conditions")):
        if not str(condition.get("type", "")).endswith(_ACTIVE):
            continue
        seen = status.get("observedGeneration")
        if isinstance(seen, int) and isinstance(generation, int) and seen < generation:
            return Health(HealthState.PROGRESSING, f"generation {generation} is not seen yet")
        if condition.get("status") != "True":
            told = str(condition.get("message") or condition.get("reason") or condition.get("status"))
            return Health(HealthState.DEGRADED, f"{condition['type']}: {told}")
    return Health(HealthState.HEALTHY)


def claims(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What an object takes for itself: the name of a VirtualService, of which the service takes one only."""
    if body.get("kind") != "VirtualService" or not str(body.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return ()
    return (f"requests to {called(body)}",)


def routed(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The host whose requests an object routes."""
    return (called(body),) if claims(body) else ()
