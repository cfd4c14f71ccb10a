"""What a route is bound to: the ports of one Service, seen by all callers or by those of a namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.gateway_api.kinds import GROUP
from reconciler.adapters.importing import Body, Scene
from reconciler.adapters.protocols import Speech, speech
from reconciler.model.refs import ServiceRef


@dataclass(frozen=True, slots=True)
class Bound:
    """``ports``: those of the service that carry HTTP and that the route is about."""

    service: ServiceRef
    ports: tuple[int, ...]
    every: bool  # every such port


def bound(body: Body, scene: Scene) -> Bound | None:
    """None for a route to anything but one known Service in its own namespace."""
    spec = body.get("spec") or {}
    parents = spec.get("parentRefs") or []
    namespace = str((body.get("metadata") or {}).get("namespace") or "")
    if len(parents) != 1 or spec.get("hostnames") or not _is_service(parents[0], namespace):
        return None
    facts = scene.cluster.service(str(parents[0]["name"]), namespace)
    if facts is None:
        return None
    known = tuple(port.number for port in facts.ports if speech(port) not in (Speech.OPAQUE, Speech.UDP))
    wanted = (parents[0]["port"],) if "port" in parents[0] else known
    if not wanted or not set(wanted) <= set(known):
        return None
    return Bound(ServiceRef(facts.ref.name, namespace), wanted, set(wanted) == set(known))


def _is_service(parent: Mapping[str, Any], namespace: str) -> bool:
    return (
        parent.get("kind") == "Service"
        and parent.get("group", GROUP) == ""
        and not parent.get("sectionName")
        and parent.get("namespace", namespace) == namespace
        and bool(parent.get("name"))
    )
