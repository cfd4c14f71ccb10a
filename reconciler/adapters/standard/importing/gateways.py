"""A Gateway and the routes bound to it: one Ingress document.

Gateways and routes are said together or not at all: an Ingress makes both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import MALFORMED, Body, Draft, Imported, Scene, Unsayable, key_of, named, only, slug
from reconciler.adapters.standard.importing.requests import matches
from reconciler.adapters.standard.importing.rules import rule
from reconciler.adapters.standard.meaning.gateways import attached, gateways, listeners
from reconciler.adapters.standard.meaning.parents import Bound
from reconciler.model.refs import ServiceRef

#: requests come from outside, so that no port of a service is the caller's own
_OUTSIDE = Bound(ServiceRef("", ""), (), False)
_SAME = {"namespaces": {"from": "Same"}}
_EVERY = [{"path": {"type": "PathPrefix", "value": "/"}}]
Part = Mapping[str, Any]


def ingresses(bodies: Sequence[Body], scene: Scene) -> Iterator[Imported]:
    """For each gateway its drafts, or why it and its routes are kept."""
    known = gateways(bodies)
    for place, gateway in sorted(known.items()):
        bound = [body for body in bodies if _is_bound(body, place, known)]
        try:
            if not scene.rename:
                _check_names(gateway, [body for body in bodies if key_of(body).namespace == place[0]])
            yield Imported(tuple(_drafts(gateway, bound, scene)))
        except (Unsayable, *MALFORMED) as reason:
            text = str(reason) if isinstance(reason, Unsayable) else f"it is not of the form of its kind: {reason!r}"
            yield Imported(kept=dict.fromkeys([key_of(body) for body in (gateway, *bound)], text))


def _is_bound(body: Body, place: tuple[str, str], known: Mapping[tuple[str, str], Body]) -> bool:
    key = key_of(body)
    try:
        return (
            key.kind == "HTTPRoute"
            and key.namespace == place[0]
            and any(one.gateway == place[1] for one in attached(body, known) or ())
        )
    except MALFORMED:
        return False


def _drafts(gateway: Body, bound: Sequence[Body], scene: Scene) -> Iterator[Draft]:
    key, spec = key_of(gateway), gateway.get("spec") or {}
    only(spec, ("gatewayClassName", "listeners"), "spec")
    if not bound:
        raise Unsayable("no route is bound to it")
    where: dict[str, Any] = {"controller": "gatewayapi", "class": spec["gatewayClassName"], "namespace": key.namespace}
    made: dict[str, Any] = {"gateways": [where | ({"clusters": [scene.only]} if scene.only else {})]}
    made["listeners"] = [_listener(one, key.namespace) for one in listeners(gateway)]
    if len(bound) == 1:
        made["routes"] = list(_routes(bound[0], _base(bound[0]), scene))
        made |= named(scene.mesh.type, bound[0], "", scene)
        yield Draft(key, (_document(key.name, made),))
        yield Draft(key_of(bound[0]), (), within=key)
        return
    made["routes"] = [_base(body) | {"then": {"delegate": {"names": [key_of(body).name]}}} for body in bound]
    yield Draft(key, (_document(key.name, made),))
    for body in bound:
        table = {"delegable": True, "routes": list(_routes(body, {}, scene))} | named(scene.mesh.type, body, "", scene)
        yield Draft(key_of(body), (_document(key_of(body).name, table),))


def _document(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """In the namespace in which what is made has the plain name of its document."""
    return {"kind": "Ingress", "namespace": "default", "name": name, "spec": spec}


def _check_names(gateway: Body, beside: Sequence[Body]) -> None:
    """Listeners with a host get other names, and until its routes are written, too, those that name one are cut off."""
    parents = [parent for body in beside for parent in (body.get("spec") or {}).get("parentRefs") or ()]
    wanted = {str(one.get("sectionName")) for one in parents if one.get("name") == key_of(gateway).name}
    for one in listeners(gateway):
        if one["name"] in wanted and one.get("hostname"):
            raise Unsayable(f"its listener {one['name']}, which a route names, would come back under another name")


def _listener(given: Part, namespace: str) -> dict[str, Any]:
    only(given, ("name", "port", "protocol", "hostname", "tls", "allowedRoutes"), "listeners")
    if given.get("allowedRoutes", _SAME) != _SAME or given["protocol"] not in ("HTTP", "HTTPS"):
        raise Unsayable(f"listener {given['name']} takes routes of other namespaces, or connections")
    made = {"name": given["name"], "port": given["port"], "protocol": given["protocol"]}
    made |= {"hosts": [given["hostname"]]} if given.get("hostname") else {}
    if not given.get("tls"):
        return made
    only(given["tls"], ("mode", "certificateRefs"), "tls")
    secrets = given["tls"].get("certificateRefs") or []
    if given["tls"].get("mode", "Terminate") != "Terminate" or len(secrets) != 1:
        raise Unsayable(f"listener {given['name']} has not one certificate of its own")
    return made | {"tls": {"mode": "Simple", "secretRef": _secret(secrets[0], namespace)}}


def _secret(given: Part, namespace: str) -> dict[str, str]:
    if given.get("group", "") or given.get("kind", "Secret") != "Secret":
        raise Unsayable("a certificate that is no Secret")
    other = given.get("namespace", namespace)
    return {"name": given["name"]} | ({"namespace": other} if other != namespace else {})


def _base(body: Body) -> dict[str, Any]:
    """On which listeners and for which hosts the rules of a route hold."""
    spec = body.get("spec") or {}
    only(spec, ("parentRefs", "hostnames", "rules"), "spec")
    sections = sorted({str(parent["sectionName"]) for parent in spec["parentRefs"] if "sectionName" in parent})
    if sections and not all("sectionName" in parent for parent in spec["parentRefs"]):
        sections = []
    base: dict[str, Any] = {"listeners": sections} if sections else {}
    return base | ({"hosts": list(spec["hostnames"])} if spec.get("hostnames") else {})


def _routes(body: Body, base: Mapping[str, Any], scene: Scene) -> Iterator[dict[str, Any]]:
    for one in (body.get("spec") or {}).get("rules") or [{}]:
        yield {**base, **_route(one, body, scene)}


def _route(given: Part, body: Body, scene: Scene) -> dict[str, Any]:
    done = rule(given, _OUTSIDE, body, scene)
    then = {field: done.pop(field) for field in ("route", "redirect") if field in done}
    made: dict[str, Any] = {"name": said} if (said := slug(given.get("name"))) else {}
    if found := matches(given.get("matches") or _EVERY):
        made["match"] = found
    return made | {"then": then} | ({"rule": done} if done else {})
