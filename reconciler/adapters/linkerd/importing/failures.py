"""Annotations of a Service about endpoints that fail, as a TrafficPolicy."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of
from reconciler.adapters.linkerd.importing.routes import length
from reconciler.adapters.linkerd.meaning.annotations import keys_of
from reconciler.adapters.linkerd.meaning.failures import FAILURES, SHORTEST, USUAL, failures
from reconciler.model.refs import ServiceRef


def endpoints(body: Body, scene: Scene) -> Draft:
    """What is not said is as the mesh has it by itself."""
    key, held = key_of(body), failures(body)
    if not held:
        raise Unsayable("its annotations hold for routes that say nothing themselves; ours lie on the routes")
    if held["jitter"] != USUAL["jitter"] or held["longest"] != max(USUAL["longest"], held["shortest"]):
        raise Unsayable("no neutral field covers how long an endpoint is left out at most, or by how much that varies")
    said = keys_of(body)
    outlier: dict[str, Any] = {"consecutiveErrors": held["failures"]} if FAILURES in said else {}
    outlier |= {"baseEjection": length(held["shortest"])} if SHORTEST in said else {}
    if not outlier:
        outlier = {"consecutiveErrors": held["failures"]}
    to = scene.short(ServiceRef(key.name, key.namespace))
    name = f"{key.name}-circuit-breaking"
    return Draft(key, ({"kind": "TrafficPolicy", "name": name, "spec": {"to": [to], "rule": {"outlier": outlier}}},))
