"""What a route is bound to: the ports of one Service, seen by all callers or by those of a namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Body, Scene
from reconciler.adapters.protocols import Speech, speech
from reconciler.adapters.standard.kinds import GROUP
from reconciler.model.refs import ServiceRef


@dataclass(frozen=True, slots=True)
class Bound:
    """``ports``: those of the service that carry HTTP and that the route is about. ``callers``: the namespace whose
    calls it is for, "" for all of them."""

    service: ServiceRef
    ports: tuple[int, ...]
    every: bool  # every such port
    callers: str = ""

    @property
    def worded(self) -> str:
        return f"calls of {self.service.name}.{self.service.namespace} from {self.callers or 'everywhere'}"

    @property
    def usual(self) -> str:
        """The name that an object for the one port is made with."""
        return f"{self.service.name}{f'.{self.service.namespace}' if self.callers else ''}-{self.ports[0]}"

    def target(self, scene: Scene) -> Any:
        """An item of ``to``."""
        short = scene.short(self.service)
        return short if self.every else {"services": [short], "ports": list(self.ports)}


def bound(body: Body, scene: Scene) -> Bound | None:
    """None for a route to anything but one known Service."""
    spec = body.get("spec") or {}
    parents = spec.get("parentRefs") or []
    namespace = str((body.get("metadata") or {}).get("namespace") or "")
    if len(parents) != 1 or spec.get("hostnames") or not _is_service(parents[0]):
        return None
    home = str(parents[0].get("namespace") or namespace)
    facts = scene.cluster.service(str(parents[0]["name"]), home)
    if facts is None:
        return None
    known = tuple(port.number for port in facts.ports if speech(port) not in (Speech.OPAQUE, Speech.UDP))
    wanted = (parents[0]["port"],) if "port" in parents[0] else known
    if not wanted or not set(wanted) <= set(known):
        return None
    callers = "" if home == namespace else namespace
    return Bound(ServiceRef(facts.ref.name, home), wanted, set(wanted) == set(known), callers)


def _is_service(parent: Mapping[str, Any]) -> bool:
    return (
        parent.get("kind") == "Service"
        and parent.get("group", GROUP) == ""
        and not parent.get("sectionName")
        and bool(parent.get("name"))
    )
