"""CiliumNetworkPolicy about callers of the workloads of one service: one AccessPolicy for each set of callers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.adapters.cilium.detect import TYPE
from reconciler.adapters.cilium.importing.callers import callers
from reconciler.adapters.cilium.importing.requests import requests
from reconciler.adapters.cilium.meaning.policies import labels_of
from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.model.canonical import encode
from reconciler.model.facts import ServiceFacts

_FROM = ("fromEndpoints", "fromEntities", "fromCIDR", "fromCIDRSet")
Rule = Mapping[str, Any]
Group = tuple[list[Any], list[Any], list[int], bool]


def network_policy(body: Body, scene: Scene) -> Draft:
    spec, name = body.get("spec") or {}, key_of(body).name
    only(spec, ("endpointSelector", "ingress", "ingressDeny", "enableDefaultDeny"), "spec")
    if ("ingress" in spec) is ("ingressDeny" in spec):
        raise Unsayable("one policy allows and denies, or does neither")
    denies = "ingressDeny" in spec
    if (spec.get("enableDefaultDeny") or {}) != ({"ingress": False} if denies else {}):
        raise Unsayable("what it does to the default of its workloads, no neutral field covers")
    known, part = _service(body, scene)
    target: Any = scene.short(known.ref)
    groups = list(_groups(spec["ingressDeny" if denies else "ingress"], key_of(body).namespace, known, scene))
    documents = []
    for number, (sources, matches, ports, _) in enumerate(groups, 1):
        where = {"services": [target], **({"subset": part} if part else {}), **({"ports": ports} if ports else {})}
        made: dict[str, Any] = {"action": "Deny" if denies else "Allow"}
        made |= {"from": sources} if sources else {}
        made["to"] = [where if part or ports else target]
        made |= {"match": matches} if matches else {}
        called = name if len(groups) == 1 else f"{name}-{number}"
        if len(groups) == 1:  # several objects cannot have the one name
            made |= named(TYPE, body, "", scene)
        documents.append({"kind": "AccessPolicy", "name": called, "spec": made})
    return Draft(key_of(body), (*documents, *_proof(groups, name, target, part)))


def _service(body: Body, scene: Scene) -> tuple[ServiceFacts, dict[str, str]]:
    """The service whose workloads are selected, and the labels of the part that it is."""
    labels, namespace = labels_of((body.get("spec") or {}).get("endpointSelector") or {}), key_of(body).namespace
    if not labels:
        raise Unsayable(f"it is not about the workloads of one service of namespace {namespace}")
    for known in sorted(scene.cluster.services, key=lambda one: (-len(one.selector), one.ref)):
        if known.ref.namespace == namespace and known.selector and known.selector.items() <= labels.items():
            return known, {key: value for key, value in sorted(labels.items()) if key not in known.selector}
    raise Unsayable(f"no known service of namespace {namespace} selects its workloads")


def _groups(rules: Sequence[Rule], namespace: str, known: ServiceFacts, scene: Scene) -> Iterator[Group]:
    """Callers with the requests or the ports that they are let to. Nothing said of either is everything."""
    found: dict[str, Group] = {}
    for rule in rules:
        only(rule or {}, (*_FROM, "toPorts", "authentication"), "ingress")
        if not any(rule.get(field) for field in _FROM):
            raise Unsayable("a rule names no callers")
        proof = (rule.get("authentication") or {}).get("mode")
        if proof not in (None, "required"):
            raise Unsayable(f"no neutral field covers authentication {proof}")
        sources = callers(rule, namespace, scene)
        matches, ports = requests(rule.get("toPorts") or (), known, scene)
        held = found.setdefault(encode([sources, ports, proof]), (sources, [], ports, proof == "required"))
        held[1].extend(matches or [{}])
    for sources, matches, ports, proof in found.values():
        yield sources, [] if {} in matches else matches, ports, proof


def _proof(groups: Sequence[Group], name: str, target: Any, part: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    wanted = {proof for *_, proof in groups}
    if len(wanted) > 1 or (True in wanted and part):
        raise Unsayable("some of its callers have to prove who they are, and others not")
    if True in wanted:
        yield {"kind": "TrafficPolicy", "name": f"{name}-proof", "spec": {"to": [target], "rule": {"mtls": "Strict"}}}
