"""HTTPRoutes to Services: what becomes of the calls to a port. The mesh merges all of them; a rule without backends
goes to the Service itself.

Source: linkerd2, policy-controller/k8s/index/src/outbound/index.rs and index/http.rs; grpc/src/outbound/http.rs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.importing import MALFORMED, Body, Scene, key_of
from reconciler.adapters.linkerd.kinds import POLICY
from reconciler.adapters.linkerd.meaning.annotations import limits
from reconciler.adapters.linkerd.order import outranks
from reconciler.adapters.standard.meaning.merged import Unit, table
from reconciler.adapters.standard.meaning.parents import Bound, bound
from reconciler.adapters.standard.meaning.rules import declared

#: of a rule; the mesh leaves out a route with a field that is newer than it
_FIELDS = {"name", "matches", "filters", "backendRefs", "timeouts"}
Part = Mapping[str, Any]


def route(body: Body, scene: Scene) -> Bound | None:
    """The ports that a route is about; None for anything but an HTTPRoute to one known Service that the mesh reads."""
    try:
        if key_of(body).kind != "HTTPRoute" or set(body["spec"]) - {"parentRefs", "hostnames", "rules"}:
            return None
        if any(set(rule) - _FIELDS or _is_misread(rule, body) for rule in body["spec"].get("rules") or ()):
            return None
        to = parent(body, scene)
        if to is not None:
            table((unit for port in to.ports for unit in units(body, to, port)), outranks)  # all of it can be read
        return to
    except MALFORMED:
        return None


def parent(body: Body, scene: Scene) -> Bound | None:
    """The ports of one known Service that a route of any kind is about."""
    try:
        parents = [_reference(one) for one in body["spec"].get("parentRefs") or ()]
        return bound({**body, "spec": {**body["spec"], "parentRefs": parents}}, scene)
    except MALFORMED:
        return None


def _is_misread(rule: Part, body: Body) -> bool:
    """Of its own HTTPRoute the mesh makes changes to requests of those to answers."""
    kinds = {one.get("type") for one in rule.get("filters") or ()}
    return key_of(body).group == POLICY and "ResponseHeaderModifier" in kinds


def _reference(given: Part) -> dict[str, Any]:
    """``core`` is another word for the group without a name."""
    return {**given, "group": ""} if str(given.get("group")).lower() == "core" else dict(given)


def rules(body: Body, to: Bound, port: int) -> list[dict[str, Any]]:
    """The rules as Gateway API has them, with backends; ``limits``: what holds for each of time and retries."""
    whole = limits(body)
    return [_rule(one, whole, body, to, port) for one in body["spec"].get("rules") or [{}]]


def _rule(given: Part, whole: Part, body: Body, to: Bound, port: int) -> dict[str, Any]:
    made = {name: given[name] for name in ("name", "matches", "filters") if given.get(name)}
    if any(one.get("type") == "RequestRedirect" for one in given.get("filters") or ()):
        return made  # proxies answer by themselves
    own = {"kind": "Service", "name": to.service.name, "namespace": to.service.namespace, "port": port}
    made["backendRefs"] = [_reference(one) for one in given.get("backendRefs") or ()] or [own]
    held = {**_timeout(given, body), **whole}
    return made | ({"limits": held} if held else {})


def _timeout(given: Part, body: Body) -> dict[str, Any]:
    """The mesh reads it in its own HTTPRoute only."""
    length = seconds((given.get("timeouts") or {}).get("request"))
    return {"request": int(length * 1000)} if length and key_of(body).group == POLICY else {}


def units(body: Body, to: Bound, port: int) -> Iterable[Unit]:
    said = declared(rules(body, to, port), key_of(body).namespace, grpc=False)
    for place, (when, then) in enumerate(said):
        yield Unit(key_of(body), when, then, place, to.callers)


def about(to: Bound, port: int) -> str:
    return f"calls of {to.service.name}.{to.service.namespace} on port {port}"


def at(to: Bound, port: int) -> Bound:
    """The same for one of its ports."""
    return replace(to, ports=(port,), every=to.every and to.ports == (port,))
