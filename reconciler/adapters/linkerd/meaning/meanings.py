"""Objects by what they are about. What refers to nothing, and what nothing refers to, has no meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.adapters.importing import MALFORMED, Body, Meaning, Scene, key_of
from reconciler.adapters.linkerd.kinds import POLICY
from reconciler.adapters.linkerd.meaning.annotations import keys_of
from reconciler.adapters.linkerd.meaning.callers import Known
from reconciler.adapters.linkerd.meaning.calls import about, route, units
from reconciler.adapters.linkerd.meaning.failures import failures
from reconciler.adapters.linkerd.meaning.namespaces import policy_of
from reconciler.adapters.linkerd.meaning.servers import about as about_server
from reconciler.adapters.linkerd.meaning.servers import said, served
from reconciler.adapters.linkerd.order import outranks
from reconciler.adapters.standard.meaning.merged import Unit, table
from reconciler.model.canonical import encode, plain
from reconciler.model.refs import ObjectKey

Said = tuple[str, Any, tuple[ObjectKey, ...]]
#: what counts only by what refers to it, or what it refers to
_PARTS = ("AuthorizationPolicy", "MeshTLSAuthentication", "NetworkAuthentication", "ServerAuthorization")


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    known = Known({key_of(body): body for body in bodies}, scene.mesh)
    found: dict[str, Meaning] = {}
    for topic, content, objects in _said(known, scene):
        held = found.get(topic)
        content = plain(content)
        several = {"several": sorted([*_several(held), content], key=encode)} if held else content
        found[topic] = Meaning(topic, several, tuple(sorted({*(held.objects if held else ()), *objects})))
    return dict(sorted(found.items()))


def _said(known: Known, scene: Scene) -> Iterator[Said]:
    yield from _of_calls(known, scene)
    yield from _of_servers(known, scene)
    yield from _of_failures(known)
    yield from _of_namespaces(known)
    yield from _others(known, scene)


def _of_failures(known: Known) -> Iterator[Said]:
    for key, body in known.bodies.items():
        if key.kind == "Service":
            try:
                content: Any = failures(body)
            except MALFORMED:
                content = dict(keys_of(body))
            if content:
                yield f"failing endpoints of {key.name}.{key.namespace}", content, (key,)


def _of_namespaces(known: Known) -> Iterator[Said]:
    for key, body in known.bodies.items():
        if key.kind == "Namespace" and (policy := policy_of(body)):
            yield f"pods in {key.name} that no Server selects", policy, (key,)


def _several(held: Meaning) -> list[Any]:
    if isinstance(held.content, Mapping) and held.content.keys() == {"several"}:
        return list(held.content["several"])
    return [held.content]


def _of_calls(known: Known, scene: Scene) -> Iterator[Said]:
    tables: dict[str, list[Unit]] = {}
    for body in known.bodies.values():
        to = route(body, scene)
        for port in to.ports if to else ():
            assert to is not None
            tables.setdefault(about(to, port), []).extend(units(body, to, port))
    for topic, several in tables.items():
        yield topic, table(several, outranks), tuple({one.key for one in several})


def _of_servers(known: Known, scene: Scene) -> Iterator[Said]:
    for key, body in known.bodies.items():
        if (key.group, key.kind) == (POLICY, "Server"):
            yield _of_server(body, known, scene)


def _of_server(body: Body, known: Known, scene: Scene) -> Said:
    """Only its text tells the meaning of one that is not of the form of its kind, or says what we do not know."""
    objects: tuple[ObjectKey, ...] = (key_of(body),)
    try:
        server = served(body, known)
        objects = server.keys(known)
        if (content := said(server, known)) is not None:
            return about_server(body, scene), content, objects
    except MALFORMED:
        pass
    beside = [{str(key): _written(known.bodies[key])} for key in objects if key != key_of(body)]
    return str(key_of(body)), _written(body) | ({"beside": beside} if beside else {}), objects


def _others(known: Known, scene: Scene) -> Iterator[Said]:
    """What only its text tells the meaning of."""
    attached = {key for key, body in known.bodies.items() if _is_attached(body, known)}
    for key, body in known.bodies.items():
        counted = key.kind in ("Server", "Service", "Namespace") or (key.kind in _PARTS and key.group == POLICY)
        if not counted and key not in attached and route(body, scene) is None:
            yield str(key), _written(body), (key,)


def _is_attached(body: Body, known: Known) -> bool:
    """Whether it counts as a part of a Server."""
    key = key_of(body)
    try:
        if key.kind == "HTTPLocalRateLimitPolicy":
            return known.one("Server", key.namespace, str(body["spec"]["targetRef"]["name"])) is not None
        parents = body["spec"].get("parentRefs") or () if key.kind in ("HTTPRoute", "GRPCRoute") else ()
        servers = [one for one in parents if one.get("kind") == "Server"]
        here = [known.one("Server", key.namespace, str(one["name"])) for one in servers]
        return bool(here) and len(here) == len(parents) and None not in here
    except MALFORMED:
        return False


def _written(body: Body) -> dict[str, Any]:
    return {name: body[name] for name in body if name not in ("apiVersion", "metadata", "status")}
