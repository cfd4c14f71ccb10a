"""Objects by what they are about. Several routes to one Service are told apart: of equal rules the older one counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.importing import MALFORMED, Body, Meaning, Scene, key_of
from reconciler.adapters.standard.meaning.gateways import gateway_said, gateways, route_said
from reconciler.adapters.standard.meaning.parents import bound
from reconciler.adapters.standard.meaning.rules import units
from reconciler.model.canonical import plain

Gateways = Mapping[tuple[str, str], Body]


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    found: dict[str, Meaning] = {}
    given = list(bodies)
    known = gateways(given)
    for body in given:
        key = key_of(body)
        for about, content in _said(body, known, scene).items():
            held = found.get(about)
            several = {"several": {**_several(held), str(key): content}} if held else content
            found[about] = Meaning(about, plain(several), (*(held.objects if held else ()), key))
    return dict(sorted(found.items()))


def _several(held: Meaning) -> dict[str, Any]:
    if isinstance(held.content, Mapping) and held.content.keys() == {"several"}:
        return dict(held.content["several"])
    return {str(held.objects[0]): held.content}


def _said(body: Body, known: Gateways, scene: Scene) -> dict[str, Any]:
    """A body that is not of the form of its kind means what is written."""
    key = key_of(body)
    try:
        said = _read(body, known, scene)
    except MALFORMED:
        said = None
    if said is not None:
        return said
    return {str(key): {name: body[name] for name in body if name not in ("apiVersion", "metadata", "status")}}


def _read(body: Body, known: Gateways, scene: Scene) -> dict[str, Any] | None:
    kind = key_of(body).kind
    if kind == "Gateway":
        return gateway_said(body)
    if kind == "HTTPRoute" and (said := route_said(body, known)) is not None:
        return said
    return _routes(body, scene) if kind in ("HTTPRoute", "GRPCRoute") else None


def _routes(body: Body, scene: Scene) -> dict[str, Any] | None:
    to, spec = bound(body, scene), body.get("spec") or {}
    if to is None or set(spec) - {"parentRefs", "rules"}:
        return None
    key = key_of(body)
    rules = units(spec.get("rules") or [{}], key.namespace, grpc=key.kind == "GRPCRoute")
    return {f"{to.worded} on port {port}": {"kind": key.kind, "rules": rules} for port in to.ports}
