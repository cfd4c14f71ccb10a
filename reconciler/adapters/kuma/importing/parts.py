"""Whom an object is about: all callers of one service of its namespace, or the workloads behind one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.leaves import section
from reconciler.model.facts import ServiceFacts

TYPE = "kuma"
Part = Mapping[str, Any]


def called(body: Body, scene: Scene) -> tuple[ServiceFacts, Part]:
    """The service whose callers an object is about, and what holds for them."""
    spec = section(body, "spec")
    only(spec, ("targetRef", "to"), "spec")
    chosen = section(spec, "targetRef")
    if chosen.get("kind", "Mesh") != "Mesh" or set(chosen) - {"kind"}:
        raise Unsayable("it is about some callers, named by labels of their proxies")
    entry = _one(spec, "to", "it is about several destinations")
    only(entry, ("targetRef", "default"), "to")
    target = section(entry, "targetRef")
    only(target, ("kind", "name", "namespace"), "targetRef")
    if target.get("kind") != "MeshService" or not target.get("name"):
        raise Unsayable("it is about other destinations than one service")
    own = key_of(body).namespace
    if target.get("namespace", own) != own:
        raise Unsayable(f"it is about callers in namespace {own} only")
    return _known(str(target["name"]), own, scene), section(entry, "default")


def _one(spec: Part, key: str, otherwise: str) -> Part:
    found = spec.get(key)
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise Unsayable(f"its {key} is no list of objects")
    if len(found) != 1:
        raise Unsayable(otherwise)
    return dict(found[0])


def _known(name: str, namespace: str, scene: Scene) -> ServiceFacts:
    found = scene.cluster.service(name, namespace)
    if found is None:
        raise Unsayable(f"service {name}.{namespace} is not known in the cluster")
    return found


def behind(body: Body, scene: Scene) -> tuple[ServiceFacts, Part]:
    """The service whose workloads an object is about, and what holds for all that arrives there."""
    spec = section(body, "spec")
    only(spec, ("targetRef", "rules"), "spec")
    chosen = section(spec, "targetRef")
    only(chosen, ("kind", "labels"), "targetRef")
    labels = section(chosen, "labels")
    if chosen.get("kind") != "Dataplane" or not labels:
        raise Unsayable("it is about more than the workloads of one service")
    rule = _one(spec, "rules", "it says several things of what arrives")
    only(rule, ("default",), "rules")
    for one in sorted(scene.cluster.services, key=lambda one: one.ref):
        if one.ref.namespace == key_of(body).namespace and dict(one.selector) == dict(labels):
            return one, section(rule, "default")
    raise Unsayable("no known service of its namespace selects exactly these workloads")


def policy(body: Body, service: ServiceFacts, rule: Part, scene: Scene, *, about: str) -> Draft:
    """A TrafficPolicy for the service that makes an object of this name."""
    name = key_of(body).name
    spec = {"to": [scene.short(service.ref)], "rule": rule, **named(TYPE, body, service.ref.name, scene)}
    return Draft(key_of(body), ({"kind": "TrafficPolicy", "name": f"{name}-{about}", "spec": spec},))
