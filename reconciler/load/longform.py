"""A document with every short form expanded and left-out weights and percents written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.load import shortforms
from reconciler.load.nodes import Map, Place, Seq

Step = Callable[[Any, Place], Any]
_AT_KEY = frozenset({"timeout", "retries"})  # the fields of their long form are leaves, which stand at their key


def _text(make: Callable[[str, Place], Any], then: Step | None = None) -> Step:
    """Expand text by ``make``; a text with an open variable, and other values, go to ``then``."""

    def step(value: Any, at: Place) -> Any:
        if isinstance(value, str):
            return value if "${" in value else make(value, at)
        return then(value, at) if then else value

    return step


def _each(step: Step) -> Step:
    def run(value: Any, _at: Place) -> Any:
        if not isinstance(value, Seq):
            return value
        made = Seq(value.at)
        for item, at in value.entries():
            made.push(step(item, at), at)
        return made

    return run


def _fields(**steps: Step) -> Step:
    """Expand the fields of a mapping; the name of a step is that of its field (``from_`` for ``from``)."""
    named = {name.rstrip("_"): step for name, step in steps.items()}

    def run(value: Any, _at: Place) -> Any:
        if not isinstance(value, Map):
            return value
        made = Map(value.at)
        for key, item, key_at, at in value.entries():
            stands = key_at if key in _AT_KEY else at
            made.put(key, named[key](item, stands) if key in named else item, key_at, at)
        return made

    return run


def _filled(step: Step, **missing: int) -> Step:
    """... and what was left out is written out."""

    def run(value: Any, at: Place) -> Any:
        made = step(value, at)
        if isinstance(made, Map):
            for key, default in missing.items():
                if key not in made:
                    made.add(key, default)
        return made

    return run


_MESHES = _text(shortforms.meshes)
_SERVICES = _each(_text(shortforms.service))
_TARGET = _text(shortforms.target, _fields(meshes=_MESHES, services=_SERVICES))
_SOURCE = _text(shortforms.source, _fields(meshes=_MESHES))
_ROUTES = _each(_filled(_fields(to=_TARGET), weight=1))
_PERCENT = _filled(_fields(), percent=100)


def _route(value: Any, at: Place) -> Any:
    return shortforms.weights(value) if isinstance(value, Map) else _ROUTES(value, at)


def _timeout(value: Any, at: Place) -> Any:
    return shortforms.mapping(at, request=value) if isinstance(value, str) else value


def _retries(value: Any, at: Place) -> Any:
    return shortforms.retries(int(value), at) if isinstance(value, (int, float)) else value


def _select(value: Any, at: Place) -> Any:
    """The fields of a MeshSet may stand in a selection itself; in the long form they are in ``meshes``."""
    if isinstance(value, str):
        return shortforms.mapping(at, meshes=shortforms.meshes(value, at))
    made, inner = Map(value.at), Map(value.at)
    for key, item, key_at, value_at in value.entries():
        step = _MESHES if key == "meshes" else None
        into = made if key in ("clusters", "meshes") else inner
        into.put(key, step(item, value_at) if step else item, key_at, value_at)
    return made.add("meshes", inner) if inner else made


_ORIGINS = _each(_text(lambda text, at: shortforms.mapping(at, exact=text)))
_RULE = _fields(
    route=_route,
    mirror=_each(_filled(_fields(to=_TARGET), percent=100)),
    fault=_fields(delay=_PERCENT, abort=_PERCENT, bandwidth=_PERCENT),
    timeout=_timeout,
    retries=_retries,
    cors=_fields(origins=_ORIGINS),
    csrf=_filled(_fields(origins=_ORIGINS), percent=100),
    loadBalancing=_fields(hash=_fields(cookie=_text(lambda text, at: shortforms.mapping(at, name=text)))),
)
_path = _text(lambda text, at: shortforms.mapping(at, path=text))
_POLICY = _fields(from_=_each(_SOURCE), to=_each(_TARGET), match=_each(_text(shortforms.request)), rule=_RULE)
_SPECS: dict[str, Step] = {
    "AccessPolicy": _POLICY,
    "TrafficPolicy": _POLICY,
    "VirtualMesh": _fields(meshes=_MESHES, defaults=_fields(traffic=_RULE)),
    "Destination": _fields(service=_text(shortforms.service), services=_each(_TARGET), visibleTo=_each(_SOURCE)),
    "TelemetryPolicy": _fields(workloads=_each(_SOURCE)),
    "Ingress": _fields(
        gateways=_each(_fields(mesh=_MESHES)),
        routes=_each(_fields(match=_each(_text(shortforms.request)), then=_fields(route=_ROUTES), rule=_RULE)),
        options=_RULE,
    ),
    "Extension": _fields(workloads=_each(_SOURCE)),
    "Cluster": _fields(
        connection=_fields(directory=_path, proxies=_path),
    ),
    "Reconciler": _fields(overrides=_each(_fields(select=_select))),
}


def long_form(kind: str, root: Map) -> Map:
    """The document in its long form; the same object when it has nothing to expand."""
    step, spec = _SPECS.get(kind), root.get("spec")
    if step is None or not isinstance(spec, Map):
        return root
    return root.same_but({"spec": step(spec, root.values_at["spec"])})
