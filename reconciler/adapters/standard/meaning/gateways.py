"""What gateways let in: their listeners, and for each of these and each host the rules of the routes bound to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Body, key_of
from reconciler.adapters.standard.kinds import GROUP
from reconciler.adapters.standard.meaning.rules import units

ANY = "*"
_SAME = {"namespaces": {"from": "Same"}}
Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attached:
    """A route at one listener of a gateway in its own namespace, for one host. A listener is known by its port and host
    here, since its name only serves to refer to it."""

    gateway: str
    listener: str
    host: str

    @property
    def worded(self) -> str:
        return f"requests to {self.host} on {self.listener} of gateway {self.gateway}"


def gateways(bodies: Iterable[Body]) -> dict[tuple[str, str], Body]:
    """Gateways by namespace and name."""
    return {(key_of(body).namespace, key_of(body).name): body for body in bodies if key_of(body).kind == "Gateway"}


def listeners(gateway: Body) -> list[Part]:
    return list((gateway.get("spec") or {}).get("listeners") or ())


def attached(body: Body, known: Mapping[tuple[str, str], Body]) -> list[Attached] | None:
    """Where a route is bound; None for one that is bound to anything but listeners of one known gateway beside it."""
    spec, namespace = body.get("spec") or {}, key_of(body).namespace
    parents = spec.get("parentRefs") or []
    names = {str(parent.get("name")) for parent in parents if _is_beside(parent, namespace)}
    if len(names) != 1 or not all(_is_beside(parent, namespace) for parent in parents):
        return None
    name = names.pop()
    gateway = known.get((namespace, name))
    if gateway is None:
        return None
    found = [
        Attached(name, _identity(one), host)
        for one in listeners(gateway)
        if any(parent.get("sectionName") in (None, one["name"]) for parent in parents)
        for host in hosts(one, [str(host) for host in spec.get("hostnames") or ()])
    ]
    return list(dict.fromkeys(found))


def _identity(listener: Part) -> str:
    return f"port {listener['port']} for {listener.get('hostname') or ANY}"


def _is_beside(parent: Part, namespace: str) -> bool:
    return (
        parent.get("group", GROUP) == GROUP
        and parent.get("kind", "Gateway") == "Gateway"
        and parent.get("namespace", namespace) == namespace
        and "port" not in parent
    )


def hosts(listener: Part, wanted: list[str]) -> Iterator[str]:
    """The hosts of a route at a listener: those that both name, the narrower of the two."""
    own = str(listener.get("hostname") or ANY)
    for host in wanted or [ANY]:
        if host == ANY or _covers(host, own):
            yield own
        elif _covers(own, host):
            yield host


def _covers(wide: str, host: str) -> bool:
    return wide in (ANY, host) or (wide.startswith("*.") and host.removeprefix(ANY).endswith(wide[1:]))


def gateway_said(body: Body) -> dict[str, Any]:
    """A gateway by its listeners; that only routes beside it may be bound is what holds anyway."""
    spec = {**(body.get("spec") or {})}
    spec["listeners"] = {_identity(one): _listener(one) for one in listeners(body)}
    return {f"gateway {key_of(body).name} in {key_of(body).namespace}": spec}


def _listener(one: Part) -> dict[str, Any]:
    made = {key: value for key, value in one.items() if key != "name"}
    if made.get("allowedRoutes") == _SAME:
        del made["allowedRoutes"]
    if "tls" in made:
        tls = {"mode": "Terminate", **made["tls"]}
        references = tls.get("certificateRefs") or ()
        made["tls"] = tls | {"certificateRefs": [{"group": "", "kind": "Secret", **ref} for ref in references]}
    return made


def route_said(body: Body, known: Mapping[tuple[str, str], Body]) -> dict[str, Any] | None:
    """The rules of a route at each place; None where it is bound to something else."""
    places, spec = attached(body, known), body.get("spec") or {}
    if not places or set(spec) - {"parentRefs", "hostnames", "rules"}:
        return None
    rules = units(spec.get("rules") or [{}], key_of(body).namespace, grpc=False)
    return {f"{place.worded} in {key_of(body).namespace}": {"rules": rules} for place in places}
