"""Reading live objects: their health, and what they take for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.base import Health, HealthState
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings, texts
from reconciler.adapters.standard.kinds import GROUP

_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
#: conditions that say what is wrong when they are false
_MUST_HOLD = ("Accepted", "ResolvedRefs", "Programmed")


def claims(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What an object takes for itself: the calls of a namespace, or of all, to a Service. The API would merge the
    routes of several objects by its own order, so that ours would not hold as they are written."""
    if body.get("kind") not in _ROUTES:
        return ()
    own = str(section(body, "metadata").get("namespace", ""))
    found = set()
    for parent in mappings(section(body, "spec").get("parentRefs")):
        if parent.get("kind") == "Service" and parent.get("group", GROUP) in ("", "core"):
            namespace = parent.get("namespace") or own
            callers = "all callers" if namespace == own else f"callers in {own}"
            found.add(f"calls of Service {namespace}/{parent.get('name')} by {callers}")
        elif parent.get("kind", "Gateway") == "Gateway":
            at = f"{parent.get('namespace') or own}/{parent.get('name')} {parent.get('sectionName') or ''}".rstrip()
            found.update(f"host {host} at Gateway {at}" for host in texts(section(body, "spec").get("hostnames")))
    return tuple(sorted(found))


def routed(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The Services and host names whose requests an object routes."""
    if body.get("kind") not in _ROUTES:
        return ()
    own, spec = str(section(body, "metadata").get("namespace", "")), section(body, "spec")
    services = {
        f"{parent.get('name')}.{parent.get('namespace') or own}"
        for parent in mappings(spec.get("parentRefs"))
        if parent.get("kind") == "Service"
    }
    return tuple(sorted(services | set(texts(spec.get("hostnames")))))


def health(body: Mapping[str, Any]) -> Health:
    """What the implementations say of an object, in the words of the first that is not content."""
    status, generation = section(body, "status"), section(body, "metadata").get("generation")
    said = [*mappings(status.get("conditions"))]
    for parent in mappings(status.get("parents")):
        said += mappings(parent.get("conditions"))
    wrong: list[str] = []
    pending: list[str] = []
    for condition in said:
        if condition.get("type") not in _MUST_HOLD:
            continue
        if _is_behind(condition, generation):
            pending.append(f"{condition['type']}: generation {generation} is not seen yet")
        elif condition.get("status") == "False":
            late = condition.get("reason") == "Pending"
            (pending if late else wrong).append(f"{condition['type']}: {_words(condition)}")
    if wrong:
        return Health(HealthState.DEGRADED, "; ".join(dict.fromkeys(wrong)))
    return (
        Health(HealthState.PROGRESSING, "; ".join(dict.fromkeys(pending))) if pending else Health(HealthState.HEALTHY)
    )


def _is_behind(condition: Mapping[str, Any], generation: Any) -> bool:
    seen = condition.get("observedGeneration")
    return isinstance(seen, int) and isinstance(generation, int) and seen < generation


def _words(condition: Mapping[str, Any]) -> str:
    return str(condition.get("message") or condition.get("reason") or "False")
