"""What a route does with requests, as the ``rule`` of a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.adapters.appmesh import accounts, nodes
from reconciler.adapters.appmesh.meaning import key_pair, node_key
from reconciler.adapters.appmesh.nodes import Node
from reconciler.adapters.appmesh.resilience import HTTP_EVENTS, TCP_EVENTS
from reconciler.adapters.importing import Body, Scene, Unsayable, only
from reconciler.adapters.shortened import duration
from reconciler.model.facts import ServiceFacts
from reconciler.model.refs import ObjectKey, ServiceRef

Part = Mapping[str, Any]
Known = Mapping[ObjectKey, Body]


def rule(given: Part, to: Callable[[Part], Any]) -> dict[str, Any]:
    only(given, ("match", "action", "timeout", "retryPolicy"), "route")
    aimed = given["action"]["weightedTargets"]
    weighed = [one for one in aimed if int(one["weight"]) or len(aimed) == 1]
    if not weighed:
        raise Unsayable("the weights of a route are all 0")
    made: dict[str, Any] = {"route": [_share(one, len(weighed), to) for one in weighed]}
    limits = given.get("timeout") or {}
    only(limits, ("perRequest",), "timeout")
    if "perRequest" in limits:
        made["timeout"] = _length(limits["perRequest"])
    return made | ({"retries": _retries(given["retryPolicy"])} if given.get("retryPolicy") else {})


def _share(one: Part, several: int, to: Callable[[Part], Any]) -> dict[str, Any]:
    return {"to": to(one)} | ({"weight": int(one["weight"])} if several > 1 else {})


def _length(given: Part) -> str:
    return duration(f"{given['value']}{given['unit']}")


def _retries(given: Part) -> dict[str, Any]:
    only(given, ("maxRetries", "perRetryTimeout", "httpRetryEvents", "tcpRetryEvents"), "retryPolicy")
    events = [*(given.get("httpRetryEvents") or ()), *(given.get("tcpRetryEvents") or ())]
    words = {event: word for word, event in {**HTTP_EVENTS, **TCP_EVENTS}.items()}
    made = {"attempts": given["maxRetries"], "perTry": _length(given["perRetryTimeout"])}
    return made | ({"on": [words[str(event)] for event in events]} if events else {})


def target(one: Part, facts: ServiceFacts, router: Body, known: Known, scene: Scene) -> Any:
    """The Service, or the part of one, that a VirtualNode reaches."""
    if "virtualNodeRef" not in one:
        raise Unsayable("a target is named by its ARN")
    key = node_key(one, router)
    node = _node(key, known, scene)
    if node is None:
        raise Unsayable(f"{key}, which it sends to, is not known")
    if accounts.in_account(facts):
        made = _by_tags(node, facts, scene)
    else:
        made = _by_host(node, scene) if node.hostname else _by_pods(node, facts, scene)
    if not one.get("port") or len(node.ports) < 2:
        return made
    return {**(made if isinstance(made, Mapping) else {"services": [made]}), "ports": [one["port"]]}


def _node(key: ObjectKey, known: Known, scene: Scene) -> Node | None:
    body = known.get(key)
    if body is not None:
        return nodes.read(body)
    return next((node for node in nodes.known(scene.mesh) if (node.namespace, node.name) == key_pair(key)), None)


def _by_tags(node: Node, facts: ServiceFacts, scene: Scene) -> Any:
    """The part of the called service that a node of an account is; but what only its own name tells apart is named by
    another service that it serves, if that says more."""
    found: list[tuple[bool, int, str, Any]] = []
    for service in scene.cluster.services:
        for one in accounts.serving(service, scene.cluster):
            if (one.namespace, one.name) == (node.namespace, node.name):
                part, short = accounts.part_of(one, service, scene.cluster), scene.short(service.ref)
                vague = 0 if not part else 2 if accounts.NODE_LABEL in part else 1
                made = {"services": [short], "subset": part} if part else short
                found.append((service != facts or vague == 2, vague, service.ref.name, made))
    if not found:
        raise Unsayable(f"VirtualNode {node.name} serves nothing that is known")
    return min(found, key=lambda one: one[:3])[3]


def _by_host(node: Node, scene: Scene) -> str:
    name, _, rest = node.hostname.partition(".")
    namespace, _, tail = rest.partition(".")
    if tail != f"svc.{scene.cluster_domain}" or scene.cluster.service(name, namespace) is None:
        raise Unsayable(f"VirtualNode {node.name} is reached by {node.hostname}, which is no known Service")
    return scene.short(ServiceRef(name, namespace))


def _by_pods(node: Node, facts: ServiceFacts, scene: Scene) -> Any:
    """The part of the called service whose pods Cloud Map finds."""
    pods, own = dict(node.pods or ()), dict(facts.selector)
    if not own or node.namespace != facts.ref.namespace or not own.items() <= pods.items():
        raise Unsayable(f"VirtualNode {node.name} has pods that are not those of {facts.ref.label}, or no Service")
    short, part = scene.short(facts.ref), {key: value for key, value in pods.items() if key not in own}
    return {"services": [short], "subset": part} if part else short
