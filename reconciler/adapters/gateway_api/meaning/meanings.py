"""Objects by what they are about. Several routes to one Service are told apart: of equal rules the older one counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.gateway_api.meaning.parents import bound
from reconciler.adapters.gateway_api.meaning.rules import units
from reconciler.adapters.importing import Body, Meaning, Scene, key_of
from reconciler.model.canonical import plain


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    found: dict[str, Meaning] = {}
    for body in bodies:
        key = key_of(body)
        for about, content in _said(body, scene).items():
            held = found.get(about)
            several = {"several": {**_several(held), str(key): content}} if held else content
            found[about] = Meaning(about, plain(several), (*(held.objects if held else ()), key))
    return dict(sorted(found.items()))


def _several(held: Meaning) -> dict[str, Any]:
    if isinstance(held.content, Mapping) and held.content.keys() == {"several"}:
        return dict(held.content["several"])
    return {str(held.objects[0]): held.content}


def _said(body: Body, scene: Scene) -> dict[str, Any]:
    key, spec = key_of(body), body.get("spec") or {}
    to = bound(body, scene) if key.kind == "HTTPRoute" else None
    if to is None or set(spec) - {"parentRefs", "rules"}:
        return {
            str(key): {name: value for name, value in body.items() if name not in ("apiVersion", "metadata", "status")}
        }
    rules = units(spec.get("rules") or [{}], key.namespace)
    return {f"calls of {to.service.name}.{to.service.namespace} on port {port}": {"rules": rules} for port in to.ports}
