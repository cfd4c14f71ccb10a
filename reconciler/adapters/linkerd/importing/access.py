"""Servers of the workloads behind one service, with all that is about them, as policies for that service.

They are said together or not at all: who lets some callers in shuts all ports of the workloads for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, only
from reconciler.adapters.leaves import section
from reconciler.adapters.linkerd.importing.callers import callers
from reconciler.adapters.linkerd.importing.names import Names
from reconciler.adapters.linkerd.importing.requests import counted, requests
from reconciler.adapters.linkerd.meaning.callers import Known, authorized, let_in
from reconciler.adapters.linkerd.meaning.servers import Served, is_about, is_policy, ports, served
from reconciler.adapters.protocols import Speech, speech, workload_ports
from reconciler.model.canonical import encode
from reconciler.model.facts import ServiceFacts
from reconciler.model.refs import ObjectKey

_MODES = {"all-authenticated": "Strict", "all-unauthenticated": "Permissive"}
Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Guarded:
    """Servers by the port of the service that leads to theirs. ``inner``: for ports that only the pods have."""

    service: ServiceFacts
    servers: Mapping[int, Served]
    inner: tuple[Served, ...]

    def target(self, port: int | None, scene: Scene) -> Any:
        short = scene.short(self.service.ref)
        return short if port is None or len(self.servers) == 1 else {"services": [short], "ports": [port]}


def _ports(service: ServiceFacts) -> list[int]:
    return [port.number for port in service.ports if speech(port) is not Speech.UDP]


def grouped(known: Known) -> list[list[Body]]:
    """Servers by the pods that they select."""
    found: dict[tuple[str, str], list[Body]] = {}
    for key, body in sorted(known.bodies.items()):
        if key.kind == "Server":
            chosen = section(section(body, "spec"), "podSelector")
            found.setdefault(
                (key.namespace, repr(sorted(map(repr, section(chosen, "matchLabels").items())))), []
            ).append(body)
    return list(found.values())


def drafts(servers: Sequence[Body], known: Known, scene: Scene) -> Iterator[Draft]:
    """The first object has the documents that are about all of them."""
    guarded = _guarded(servers, known, scene)
    names = Names.of([*guarded.servers.values(), *guarded.inner], guarded.service, known, scene)
    said: dict[ObjectKey, list[dict[str, Any]]] = {}
    for body, document in _all_documents(guarded, known, scene):
        said.setdefault(key_of(body), []).append(names.patched(document, body))
    if not said:
        raise Unsayable("nobody is let in, which no neutral document says of one service")
    first = min(said)
    for key in sorted(concerned(servers, known)):
        yield Draft(key, tuple(said.get(key, ())), within=None if key in said else first)


def _guarded(servers: Sequence[Body], known: Known, scene: Scene) -> Guarded:
    found: dict[int, Served] = {}
    inner: list[Served] = []
    service = _service(servers[0], scene)
    for body in servers:
        spec = section(body, "spec")
        only(spec, ("podSelector", "port", "proxyProtocol", "accessPolicy"), "spec")
        only(section(spec, "podSelector"), ("matchLabels",), "podSelector")
        port = _port(body, service, scene)
        if port in found:
            raise Unsayable(f"two Servers are for port {port} of {service.ref.name}, and the mesh takes one")
        if port:
            found[port] = served(body, known)
        else:
            inner.append(served(body, known))
    if missing := sorted(set(_ports(service)) - found.keys()):
        raise Unsayable(f"no Server is for port {missing[0]} of {service.ref.name}, which a policy would close, too")
    return Guarded(service, dict(sorted(found.items())), tuple(inner))


def _all_documents(guarded: Guarded, known: Known, scene: Scene) -> list[tuple[Body, dict[str, Any]]]:
    """Those of one port where the same is said of all of them."""
    several = [
        list(_documents(one, guarded, None, known, scene)) for one in (*guarded.servers.values(), *guarded.inner)
    ]
    texts = {encode(sorted(encode([one["kind"], one["spec"]]) for _, one in documents)) for documents in several}
    if len(texts) == 1:
        return several[0]
    if guarded.inner:
        raise Unsayable("it says something else of a port that the pods have and the service has not")
    found = guarded.servers.items()
    return [made for port, server in found for made in _documents(server, guarded, port, known, scene)]


def _service(server: Body, scene: Scene) -> ServiceFacts:
    labels, namespace = (
        section(section(section(server, "spec"), "podSelector"), "matchLabels"),
        key_of(server).namespace,
    )
    for one in sorted(scene.cluster.services, key=lambda one: one.ref):
        if one.ref.namespace == namespace and one.selector and dict(one.selector) == dict(labels):
            return one
    raise Unsayable("no known service of its namespace selects exactly these pods")


def _port(server: Body, service: ServiceFacts, scene: Scene) -> int:
    """Of the service; 0 for a port that only the pods have."""
    wanted, told = set(ports(server, scene)), section(server, "spec").get("port")
    leading = {port.number: workload_ports(port, service, scene.cluster) for port in service.ports}
    for port in service.ports:
        if speech(port) is not Speech.UDP and leading[port.number] == wanted:
            return port.number
    pods = scene.cluster.workloads_with(service.ref.namespace, dict(service.selector))
    named = {number for pod in pods for number in pod.container_ports.values()}
    if wanted and wanted <= named and not any(wanted & numbers for numbers in leading.values()):
        return 0
    raise Unsayable(f"no port of {service.ref.name} leads to port {told} of its pods alone")


def _documents(
    server: Served, guarded: Guarded, port: int | None, known: Known, scene: Scene
) -> Iterator[tuple[Body, dict[str, Any]]]:
    """Each with the object that says it; ``port``: of the service, None for all of it."""
    default = str(section(server.body, "spec").get("accessPolicy") or "deny")
    policies = [one for one in server.policies if not is_about(one, "Namespace")]
    if default != "deny" and (policies or server.routes):
        raise Unsayable(f"it lets in those whom {default} means beside those whom policies name")
    for policy in policies:
        yield policy, _allow(policy, [], guarded, port, known, scene)
    for route, about in server.routes.values():
        asked = requests(route)
        for policy in about:
            yield policy, _allow(policy, asked, guarded, port, known, scene)
    if default in _MODES:
        yield server.body, _traffic(server.body, "mtls", _MODES[default], guarded.target(None, scene))
    elif default != "deny":
        raise Unsayable(f"no neutral field covers {default}")
    for limit in server.limits:
        yield limit, _traffic(limit, "limit", counted(limit), guarded.target(port, scene))


def _traffic(body: Body, what: str, said: Any, target: Any) -> dict[str, Any]:
    rule = {"mtls": said} if what == "mtls" else {"rateLimit": {"local": said}}
    return {"kind": "TrafficPolicy", "name": f"{key_of(body).name}-{what}", "spec": {"to": [target], "rule": rule}}


def _allow(
    policy: Body, asked: Sequence[Any], guarded: Guarded, port: int | None, known: Known, scene: Scene
) -> dict[str, Any]:
    who = callers(let_in(policy, known) if is_policy(policy) else authorized(policy, known), scene)
    spec: dict[str, Any] = {"action": "Allow"} | ({"from": who} if who else {})
    spec |= {"to": [guarded.target(port, scene)]} | ({"match": list(asked)} if asked else {})
    return {"kind": "AccessPolicy", "name": key_of(policy).name, "spec": spec}


def concerned(servers: Iterable[Body], known: Known) -> set[ObjectKey]:
    """All objects that are kept when these are; a policy for a whole namespace speaks for itself."""
    found: set[ObjectKey] = set()
    for body in servers:
        found |= set(served(body, known).alone.keys(known))
    return found
