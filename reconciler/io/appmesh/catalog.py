"""What the meshes hold, as facts: a VirtualService is a service of the namespace that is called as its mesh, and a
VirtualNode a workload of the services that it serves: those whose routes lead to it, the one that its tag ``service``
names, and those whose router, where we wrote it, remembers it.

Callers dial the whole name of a VirtualService (``reviews.shop.local``); policies name the first part of it. Where two
of one mesh begin alike, the one that was there first has the short name, and the other one is known by all of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.io.appmesh.bodies import Held
from reconciler.io.appmesh.kinds import ACCOUNT, API_VERSION, GROUP, MESH, NODE, ROUTER, SERVICE
from reconciler.io.appmesh.tags import is_ours
from reconciler.model.facts import ClusterFacts, PortFacts, ServiceFacts, WorkloadFacts
from reconciler.model.refs import ServiceRef

#: labels of a service: what callers dial, and the router that it leads to, where no other one does
CALLED, ROUTED = f"{GROUP}/called", f"{GROUP}/router"
#: the label of a workload by which each can be told apart, and by which services select theirs
NODE_LABEL, SERVES = "virtualNode", f"{GROUP}/serves-"
#: the tag by which a node says whom it serves, and the annotation of a router of ours
SERVICE_TAG, NODES = "service", "reconciler.dev/nodes"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def facts(cluster: str, held: Sequence[Held]) -> ClusterFacts:
    bodies: dict[str, list[Any]] = {kind: [] for kind in (MESH, NODE, ROUTER, SERVICE)}
    for one in held:
        if one.kind in bodies:
            bodies[one.kind].append(one.body())
    routers, nodes = _named(bodies[ROUTER]), _named(bodies[NODE])
    names = _service_names([one for one in held if one.kind == SERVICE])
    services = [body for body in bodies[SERVICE] if _place(body) in names]
    serving: dict[tuple[str, str], set[str]] = {}
    for body in services:
        for node in _sent_to(body, routers) | _remembered(body, routers):
            serving.setdefault(node, set()).add(names[_place(body)])
    for at, body in nodes.items():
        serving.setdefault(at, set()).update(_tagged(body, names.items()))
    led = Counter(_router(body) for body in bodies[SERVICE])
    single = frozenset(router for router, count in led.items() if router and count == 1)
    return ClusterFacts(
        cluster=cluster,
        namespaces={body["metadata"]["name"]: {} for body in bodies[MESH]},
        services=tuple(
            sorted((_service(cluster, b, names, routers, nodes, single) for b in services), key=lambda one: one.ref)
        ),
        workloads=tuple(_workload(body, serving.get(at, set())) for at, body in sorted(nodes.items())),
    )


def account(region: str, number: str) -> dict[str, Any]:
    """What is asked, as the one object by which the adapter knows that there is an account."""
    spec = {"region": region, "account": number}
    return {"apiVersion": API_VERSION, "kind": ACCOUNT, "metadata": {"name": region}, "spec": spec}


def _place(body: Mapping[str, Any]) -> tuple[str, str]:
    return (str(body["metadata"].get("namespace") or ""), str(body["metadata"]["name"]))


def _named(bodies: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {_place(body): body for body in bodies}


def _service_names(held: Iterable[Held]) -> dict[tuple[str, str], str]:
    """The name of a service by mesh and VirtualService; none where no policy could name it."""
    found: dict[tuple[str, str], str] = {}
    taken: set[tuple[str, str]] = set()
    for one in sorted(held, key=lambda one: (str(one.found["metadata"]["createdAt"]), one.key)):
        mesh, called = one.key.namespace, one.key.name
        short = called.partition(".")[0]
        name = called if (mesh, short) in taken else short
        taken.add((mesh, name))
        if all(_LABEL.fullmatch(part) for part in (mesh, *name.split("."))):
            found[mesh, called] = name
    return found


def _router(body: Mapping[str, Any]) -> tuple[str, str] | None:
    ref = (((body["spec"].get("provider") or {}).get("virtualRouter") or {}).get("virtualRouterRef") or {}).get("name")
    return (body["metadata"]["namespace"], str(ref)) if ref else None


def _sent_to(body: Mapping[str, Any], routers: Mapping[tuple[str, str], Any]) -> set[tuple[str, str]]:
    """The VirtualNodes that requests to a VirtualService may come to."""
    mesh = body["metadata"]["namespace"]
    alone = ((body["spec"].get("provider") or {}).get("virtualNode") or {}).get("virtualNodeRef")
    router = routers.get(_router(body) or ("", ""))
    aimed = [alone] if alone else []
    for route in (router["spec"].get("routes") or ()) if router else ():
        for said in route.values():
            action = said.get("action") if isinstance(said, Mapping) else None
            aimed += [one["virtualNodeRef"] for one in (action or {}).get("weightedTargets") or ()]
    return {(mesh, str(ref["name"])) for ref in aimed}


def _remembered(body: Mapping[str, Any], routers: Mapping[tuple[str, str], Any]) -> set[tuple[str, str]]:
    router = routers.get(_router(body) or ("", "")) or {"metadata": {}}
    said = str((router["metadata"].get("annotations") or {}).get(NODES) or "")
    return {(body["metadata"]["namespace"], name) for name in said.split(",") if name}


def _tagged(body: Mapping[str, Any], names: Iterable[tuple[tuple[str, str], str]]) -> set[str]:
    """By the name that policies use, or by the whole one."""
    mesh, said = body["metadata"]["namespace"], (body["metadata"].get("labels") or {}).get(SERVICE_TAG, "")
    return {name for (within, called), name in names if within == mesh and said in (name, called)}


def _service(
    cluster: str,
    body: Mapping[str, Any],
    names: Mapping[tuple[str, str], str],
    routers: Mapping[tuple[str, str], Any],
    nodes: Mapping[tuple[str, str], Any],
    single: frozenset[tuple[str, str]],
) -> ServiceFacts:
    mesh, called = _place(body)
    at, name = _router(body), names[mesh, called]
    listening = [routers.get(at)] if at else [nodes.get(node) for node in _sent_to(body, routers)]
    ports = {
        one["portMapping"]["port"]: str(one["portMapping"]["protocol"])
        for found in listening
        for one in ((found or {}).get("spec") or {}).get("listeners") or ()
    }
    return ServiceFacts(
        ServiceRef(name, mesh, cluster),
        {CALLED: called, **({ROUTED: at[1]} if at in single and at else {})},
        {f"{SERVES}{name}": "true"},
        tuple(PortFacts(number, app_protocol=protocol) for number, protocol in sorted(ports.items())),
    )


def _workload(body: Mapping[str, Any], serves: Iterable[str]) -> WorkloadFacts:
    mesh, name = _place(body)
    tags = {key: str(value) for key, value in (body["metadata"].get("labels") or {}).items() if not is_ours(key)}
    labels = {**tags, NODE_LABEL: name, **{f"{SERVES}{one}": "true" for one in sorted(serves)}}
    return WorkloadFacts(NODE, mesh, name, labels)
