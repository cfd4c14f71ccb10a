"""What objects mean: each what it says of whom, in the spelling in which objects are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.importing import MALFORMED, Body, Meaning, Scene, key_of
from reconciler.adapters.kuma.live import normalize
from reconciler.adapters.kuma.meaning.routes import readable
from reconciler.adapters.kuma.meaning.routes import said as routes_said
from reconciler.adapters.leaves import section
from reconciler.model.canonical import encode, plain


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    """By kind, namespace, proxies and destinations: several objects about the same are one meaning of all. Routes by
    the ports that are called."""
    given = list(bodies)
    found = {about: Meaning(about, plain(content), keys) for about, content, keys in routes_said(given, scene)}
    for body in given:
        if readable(body, scene):
            continue
        key, about, content = key_of(body), _about(body), plain(_said(body))
        held = found.get(about)
        several = {"several": sorted([*_several(held), content], key=encode)} if held else content
        found[about] = Meaning(about, several, (*(held.objects if held else ()), key))
    return dict(sorted(found.items()))


def _several(held: Meaning) -> list[Any]:
    if isinstance(held.content, Mapping) and held.content.keys() == {"several"}:
        return list(held.content["several"])
    return [held.content]


def _said(body: Body) -> Any:
    try:
        made = normalize(body)
    except MALFORMED:
        made = body
    return {name: made[name] for name in made if name not in ("apiVersion", "metadata", "status")}


def _about(body: Body) -> str:
    key = key_of(body)
    try:
        spec = section(normalize(body), "spec")
        to = [section(one, "targetRef") for one in spec.get("to") or ()]
        mesh = section(section(body, "metadata"), "labels").get("kuma.io/mesh", "default")
        return f"{key.kind} in {key.namespace} of mesh {mesh}: {encode([spec.get('targetRef'), to])}"
    except MALFORMED:
        return str(key)
