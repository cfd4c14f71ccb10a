"""All objects of a set: which become neutral documents, and why the others do not.

A VirtualService and the VirtualRouter that it leads to are said together: one TrafficPolicy for each route.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters.appmesh.accounts import in_account, service_of
from reconciler.adapters.appmesh.importing.requests import match
from reconciler.adapters.appmesh.importing.rules import rule, target
from reconciler.adapters.appmesh.live import called, claims, normalize
from reconciler.adapters.appmesh.meaning import HTTP, commute, ordered, router_of, units
from reconciler.adapters.importing import (
    OTHER_KIND,
    Body,
    Draft,
    Imported,
    Scene,
    Unsayable,
    contested,
    key_of,
    only,
    proposed,
    slug,
)
from reconciler.adapters.shortened import request
from reconciler.model.facts import ServiceFacts
from reconciler.model.refs import ObjectKey

Known = Mapping[ObjectKey, Body]
_WHY = {
    "VirtualRouter": "no VirtualService that becomes neutral documents leads to it",
    "VirtualNode": "it says which pods are a member of the mesh, which is no matter of policies",
    "VirtualService": "it is the name that callers dial, which stays as it is",
    "Mesh": "it is the mesh itself, which a Mesh document stands for",
}


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    known = {key_of(body): normalize(body) for body in bodies}
    double, led = contested(bodies, claims), Counter(router_of(body) for body in known.values())

    def read(body: Body, scene: Scene) -> Iterable[Draft]:
        shared = led[router_of(body)] > 1 or bool(double(body))
        return _drafts(body, known, scene, shared=shared)

    done = proposed([body for key, body in known.items() if key.kind == "VirtualService"], read, scene)
    said = {draft.key for draft in done.drafts} | done.kept.keys()
    return done | Imported(kept={key: _WHY.get(key.kind, OTHER_KIND) for key in known if key not in said})


def _drafts(body: Body, known: Known, scene: Scene, *, shared: bool) -> list[Draft]:
    """``shared``: another VirtualService has its name, or leads where it leads to."""
    key, at = key_of(body), router_of(body)
    only(body["spec"], ("awsName", "provider"), "spec")
    if at is None:
        raise Unsayable("it leads to one VirtualNode, without routes")
    if (router := known.get(at)) is None:
        raise Unsayable(f"{at}, which it leads to, is not among the objects")
    if shared:
        raise Unsayable(f"another VirtualService leads to {at.name}, or has the same name")
    facts = _service(body, scene)
    if in_account(facts):
        return [Draft(at, tuple(_documents(router, facts, known, scene)))]
    if not scene.rename and not (key.name == at.name == facts.ref.name and key.namespace == at.namespace):
        raise Unsayable(f"it, or its VirtualRouter, would come back as {facts.ref.name}, which --rename allows")
    documents = _documents(router, facts, known, scene)
    return [Draft(key, tuple(documents)), Draft(at, (), within=key)]


def _service(body: Body, scene: Scene) -> ServiceFacts:
    """The Service that callers dial. A VirtualService elsewhere than beside it would come back there."""
    hostname = called(body)
    if found := service_of(body, scene.cluster):
        return found
    name, _, rest = hostname.partition(".")
    namespace, _, tail = rest.partition(".")
    facts = scene.cluster.service(name, namespace) if tail == f"svc.{scene.cluster_domain}" else None
    if facts is None:
        raise Unsayable(f"{hostname}, which callers dial, is not the full name of a known Service")
    if namespace != key_of(body).namespace and not scene.rename:
        raise Unsayable(f"it would come back in {namespace}, which --rename allows")
    return facts


def _documents(router: Body, facts: ServiceFacts, known: Known, scene: Scene) -> list[dict[str, Any]]:
    spec, name = router["spec"], key_of(router).name
    only(spec, ("listeners", "routes"), "spec")
    _check_order(router, known, scene)
    documents: list[dict[str, Any]] = []
    closed, taken = True, set[str]()
    own = [one for one in ordered(spec.get("routes") or ()) if not one.get("tcpRoute")]
    for number, one in enumerate(own, 1):
        kind = next((field for field in HTTP if one.get(field)), "")
        if not kind:
            raise Unsayable(f"route {one.get('name')} is for gRPC calls, or for nothing")
        found = match(one[kind].get("match") or {}, len(spec["listeners"]))
        closed = closed and bool(found)
        wanted = name if not found or len(own) == 1 else f"{name}-{slug(one.get('name')) or number}"
        wanted = f"{wanted}-{number}" if wanted in taken else wanted
        taken.add(wanted)
        made: dict[str, Any] = {"to": [scene.short(facts.ref)]} | ({"match": [request(found)]} if found else {})
        made["rule"] = rule(one[kind], lambda item: target(item, facts, router, known, scene))
        documents.append({"kind": "TrafficPolicy", "name": wanted, "spec": made})
    if not documents:
        raise Unsayable("its VirtualRouter has no routes for requests")
    if closed:  # where no route takes a request, the mesh answers 404
        documents[-1]["spec"]["unmatched"] = "Reject"
    return documents


def _check_order(router: Body, known: Known, scene: Scene) -> None:
    """Which of two routes of one priority counts is not written anywhere (user guide, Routes)."""
    spec = router["spec"]
    listeners = sorted((one["portMapping"]["port"], "") for one in spec["listeners"])
    routes = spec.get("routes") or ()
    for at, one in enumerate(routes):
        for other in routes[:at]:
            pair = units([one, other], listeners, router, known, scene)
            if one.get("priority") == other.get("priority") and len(pair) == 2 and not commute(*pair):
                told = f"routes {other.get('name')} and {one.get('name')} of its VirtualRouter"
                raise Unsayable(f"{told} are of one priority, and nobody says which of them counts")
