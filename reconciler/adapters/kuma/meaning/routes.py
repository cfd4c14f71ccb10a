"""Routes of requests and of connections, by the port that is called. What no rule takes goes to the service itself; of
several objects about one port the stronger counts, rule by rule.

Source: pkg/plugins/policies/meshhttproute/plugin/xds and meshtcproute; core/matchers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import MALFORMED, Body, Scene, key_of
from reconciler.adapters.kuma.meaning.rules import backends, in_gateway_words
from reconciler.adapters.kuma.objects import DEFAULT_MESH, MESH_LABEL, NAMESPACE_LABEL, SYSTEM
from reconciler.adapters.kuma.order import outranks
from reconciler.adapters.kuma.spoken import carries_requests, is_declared, section_name
from reconciler.adapters.leaves import section
from reconciler.adapters.protocols import Speech, speech
from reconciler.adapters.standard.conditions import REGEX
from reconciler.adapters.standard.meaning.merged import ANY, Unit, table
from reconciler.adapters.standard.meaning.rules import declared
from reconciler.model.canonical import encode
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.refs import ObjectKey

Part = Mapping[str, Any]
KINDS = ("MeshHTTPRoute", "MeshTCPRoute")
_ROOT = {"type": "PathPrefix", "value": "/"}


@dataclass(frozen=True, slots=True)
class Sent:
    """What an object says of some ports of a service to some callers: those of a namespace, with some labels.
    ``silent``: ports that the mesh takes for TCP where no route is about them."""

    key: ObjectKey
    mesh: str
    service: ServiceFacts
    ports: tuple[int, ...]
    rules: Sequence[Part]
    namespace: str
    labels: Mapping[str, str]
    silent: frozenset[int]

    @property
    def callers(self) -> str:
        return encode({"namespace": self.namespace, "labels": dict(self.labels)})

    def on(self, port: int) -> list[dict[str, Any]]:
        """Its rules in the words of Gateway API."""
        return [in_gateway_words(one, self.service.ref, port, self.key.namespace) for one in self.rules]


def sent(body: Body, scene: Scene) -> list[Sent]:
    """Each item of ``to``. ValueError, with the reason, for an object that says what cannot be read."""
    spec = section(body, "spec")
    chosen = section(spec, "targetRef")
    if set(spec) - {"targetRef", "to"} or chosen.get("kind", "Mesh") not in ("Mesh", "Dataplane"):
        raise ValueError("it is about other proxies than those of callers named by labels")
    if set(chosen) - {"kind", "labels"}:
        raise ValueError("it is about a part of proxies")
    if key_of(body).namespace == (scene.mesh.namespace or SYSTEM):
        raise ValueError("it lies with the control plane, where it holds for callers everywhere")
    found = [_item(one, body, scene) for one in spec["to"]]
    if not found:
        raise ValueError("it is about no service")
    for one in found:
        for port in one.ports:  # all of it can be read
            _content(one, port, alone=True)
    return found


def _item(given: Part, body: Body, scene: Scene) -> Sent:
    key, target = key_of(body), section(given, "targetRef")
    if set(given) - {"targetRef", "rules"} or target.get("kind") != "MeshService":
        raise ValueError("it is about other destinations than a service")
    if set(target) - {"kind", "name", "namespace", "sectionName"} or not target.get("name"):
        raise ValueError("it names services by labels")
    home = str(target.get("namespace") or key.namespace)
    service = scene.cluster.service(str(target["name"]), home)
    if service is None:
        raise ValueError(f"service {target['name']}.{home} is not known in the cluster")
    found = list(_ports(service, target.get("sectionName"), key.kind, scene))
    silent = frozenset(port.number for port in found if not is_declared(port, service.ref, scene.mesh))
    ports = tuple(port.number for port in found)
    if not ports:
        raise ValueError(f"no known port of service {target['name']}.{home} is of its kind")
    labels = {
        str(name): str(value) for name, value in section(section(body, "spec"), "targetRef").get("labels", {}).items()
    }
    only = labels.pop(NAMESPACE_LABEL, "")
    mesh = str(section(section(body, "metadata"), "labels").get(MESH_LABEL, DEFAULT_MESH))
    namespace = only or (key.namespace if key.namespace != home else "")
    return Sent(key, mesh, service, ports, given.get("rules") or (), namespace, labels, silent)


def _ports(service: ServiceFacts, name: Any, kind: str, scene: Scene) -> Iterator[PortFacts]:
    """Connections are those to ports on which no request is seen."""
    for port in service.ports:
        seen = carries_requests(port, service.ref, scene.mesh)
        if speech(port) is not Speech.UDP and name in (None, "", section_name(port), str(port.number)):
            if seen is (kind == KINDS[0]):
                yield port
            elif name:
                raise ValueError(f"port {name} of service {service.ref.name} carries {'requests' if seen else 'none'}")


def said(bodies: Iterable[Body], scene: Scene) -> Iterator[tuple[str, Any, tuple[ObjectKey, ...]]]:
    """What is said of each port, and by which objects. What all callers would get anyway says nothing."""
    found: dict[str, list[tuple[Sent, int]]] = {}
    for body in bodies:
        for one in readable(body, scene):
            for port in one.ports:
                what = "requests" if key_of(body).kind == KINDS[0] else "connections"
                topic = (
                    f"{what} to {one.service.ref.name}.{one.service.ref.namespace} on port {port} of mesh {one.mesh}"
                )
                found.setdefault(topic, []).append((one, port))
    for topic, several in found.items():
        told = [pair for pair in several if not is_plain(*pair)]
        content = [_content(one, port, alone=len(told) == 1) for one, port in told]
        if told:
            yield topic, sorted(content, key=encode), tuple(sorted({one.key for one, _ in told}))


def readable(body: Body, scene: Scene) -> list[Sent]:
    """Nothing for an object that only its text tells the meaning of."""
    try:
        return sent(body, scene) if key_of(body).kind in KINDS else []
    except MALFORMED:
        return []


def is_plain(one: Sent, port: int) -> bool:
    """Whether it says to all callers what holds without."""
    if one.namespace or one.labels:
        return False
    home = _home(one, port)
    if one.key.kind == KINDS[1]:
        return bool(_connections(one, port) == home["backends"])
    return port not in one.silent and all(unit.then == home for unit in _units(one, port))


def _content(one: Sent, port: int, *, alone: bool) -> Any:
    if one.key.kind == KINDS[1]:
        return {"callers": one.callers, "to": _connections(one, port)}
    units = list(_units(one, port))
    if alone:
        units = _first_of_each([*units, Unit(one.key, _everything(units), _home(one, port), len(units))])
    return {"callers": one.callers, **table(units, outranks)}


def _home(one: Sent, port: int) -> dict[str, Any]:
    ((_, action),) = declared([in_gateway_words({}, one.service.ref, port, one.key.namespace)], "", grpc=False)
    return action


def _connections(one: Sent, port: int) -> Any:
    (rule,) = one.rules
    default = section(rule, "default")
    if set(rule) != {"default"} or set(default) - {"backendRefs"}:
        raise ValueError("a rule about connections says more than where they go")
    refs = backends(default, one.service.ref, port, one.key.namespace)
    ((_, action),) = declared([{"backendRefs": refs}], "", grpc=False)
    return action["backends"]


def _units(one: Sent, port: int) -> Iterator[Unit]:
    """Where no path is an expression, a match without a path is one of all paths."""
    pairs = declared(one.on(port), one.key.namespace, grpc=False)
    rooted = all(when["path"]["type"] != REGEX for when, _ in pairs)
    for place, (when, then) in enumerate(pairs):
        path = _ROOT if rooted and when["path"]["type"] == ANY else when["path"]
        yield Unit(one.key, {**when, "path": path}, then, place)


def _everything(units: Sequence[Unit]) -> dict[str, Any]:
    rooted = all(one.when["path"]["type"] != REGEX for one in units)
    return {"path": _ROOT if rooted else {"type": ANY, "value": ""}, "headers": {}, "query": {}}


def _first_of_each(units: Iterable[Unit]) -> list[Unit]:
    found: dict[str, Unit] = {}
    for one in units:
        found.setdefault(encode(one.when), one)
    return list(found.values())
