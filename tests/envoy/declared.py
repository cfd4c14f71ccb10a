"""All resources of the proxies of an intent as configurations that a proxy can be shown: what it would read from files
of its folder is put in their place, since a check of a configuration does not look into them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.adapters import registry
from reconciler.model.intents import MeshIntent

Body = Mapping[str, Any]
MESH = "envoy"


def configurations(intent: MeshIntent) -> dict[str, dict[str, Any]]:
    """By proxy."""
    bodies = [one.body for built in registry.load_all()[MESH].build(intent) for one in built.objects]
    names = sorted({_proxy(body) for body in bodies})
    return {name: _configuration([body for body in bodies if _proxy(body) == name]) for name in names}


def specs(bodies: list[Body], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for body in bodies:
        if body["kind"] == kind:
            yield body["metadata"]["name"].partition("~")[2], copy.deepcopy(body["spec"])


def _proxy(body: Body) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name'].partition('~')[0]}"


def _configuration(bodies: list[Body]) -> dict[str, Any]:
    (started,) = (spec for _, spec in specs(bodies, "Bootstrap"))
    listeners = [_without_type(spec) for _, spec in specs(bodies, "Listener")]
    clusters = [_without_type(spec) for _, spec in specs(bodies, "Cluster")]
    hosts: dict[str, list[dict[str, Any]]] = {}
    for name, spec in specs(bodies, "VirtualHost"):
        hosts.setdefault(name.partition("~")[0], []).append(spec)
    for manager in _managers(listeners):
        name = manager.pop("rds")["route_config_name"]
        manager["route_config"] = {"name": name, "virtual_hosts": hosts.get(name, [])}
    started.pop("dynamic_resources")
    return {**started, "static_resources": {"listeners": listeners, "clusters": clusters}}


def _without_type(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "@type"}


def _managers(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "rds" in node:
            yield node
        for value in list(node.values()):
            yield from _managers(value)
    elif isinstance(node, list):
        for value in node:
            yield from _managers(value)
