"""TrafficSplit as a TrafficPolicy for the Service whose requests are shared out."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.smi.detect import TYPE
from reconciler.adapters.smi.meaning.shares import shared, shares
from reconciler.adapters.weights import of_parts
from reconciler.model.refs import ServiceRef


def traffic_split(body: Body, scene: Scene) -> Draft:
    key, spec = key_of(body), body["spec"]
    only(spec, ("service", "backends"), "spec")
    for one in spec["backends"]:
        only(one, ("service", "weight"), "backends")
    name, namespace = shared(body, scene)
    found = shares(body)
    for one in (name, *found):
        if scene.cluster.service(one, namespace) is None:
            raise Unsayable(f"Service {one} of its namespace is not known")
    weights = of_parts(list(found.values()))
    route: list[dict[str, Any]] = [
        {"to": scene.short(ServiceRef(to, namespace))} | ({"weight": weight} if len(found) > 1 else {})
        for to, weight in zip(found, weights, strict=True)
    ]
    made = {"to": [scene.short(ServiceRef(name, namespace))], "rule": {"route": route}}
    made |= named(TYPE, body, name, scene)
    return Draft(key, ({"kind": "TrafficPolicy", "name": key.name, "spec": made},))
