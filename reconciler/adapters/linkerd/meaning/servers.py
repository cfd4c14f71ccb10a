"""Servers: who may send which requests to a port of some pods, whatever the objects are called that say it.

As soon as a Server has a route, what fits none of its routes is answered 404, and its probes are let in no more.
Source: linkerd2, policy-controller/k8s/index/src/inbound/index.rs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.adapters.importing import Body, Scene, key_of
from reconciler.adapters.leaves import section
from reconciler.adapters.linkerd.kinds import POLICY
from reconciler.adapters.linkerd.meaning.callers import DEFAULTS, Callers, Known, authorized, fewest, let_in, required
from reconciler.adapters.linkerd.order import outranks
from reconciler.adapters.raw import selector
from reconciler.adapters.standard.meaning.merged import Unit, table
from reconciler.adapters.standard.meaning.rules import declared
from reconciler.model.refs import ObjectKey

Part = Mapping[str, Any]
_EVERYTHING = {"path": {"type": "PathPrefix", "value": "/"}, "headers": {}, "query": {}}


@dataclass(frozen=True, slots=True)
class Served:
    """A Server with all that is about it."""

    body: Body
    policies: tuple[Body, ...]  # about the Server itself
    routes: Mapping[ObjectKey, tuple[Body, tuple[Body, ...]]]  # each with the policies about it
    limits: tuple[Body, ...]

    @property
    def alone(self) -> Served:
        """Without the policies that are about all Servers of a namespace."""
        return replace(self, policies=tuple(one for one in self.policies if not is_about(one, "Namespace")))

    @property
    def every_policy(self) -> list[Body]:
        return [*self.policies, *(policy for _, policies in self.routes.values() for policy in policies)]

    def keys(self, known: Known) -> tuple[ObjectKey, ...]:
        named = [one for policy in self.every_policy if is_policy(policy) for one in required(policy, known) or ()]
        bodies = [self.body, *self.every_policy, *(route for route, _ in self.routes.values()), *self.limits]
        bodies += [one for one in named if key_of(one).kind != "ServiceAccount"]
        return tuple(sorted({key_of(one) for one in bodies}))


def is_policy(body: Body) -> bool:
    return key_of(body).kind == "AuthorizationPolicy"


def served(body: Body, known: Known) -> Served:
    key = key_of(body)
    policies = known.of("AuthorizationPolicy", key.namespace)
    own = [one for one in policies if is_about(one, "Server", key.name)]
    wide = [one for one in policies if is_about(one, "Namespace")]
    older = [one for one in known.of("ServerAuthorization", key.namespace) if _authorizes(one, body)]
    routes = {key_of(one): (one, _of_route(one, known)) for one in _routes(key, known)}
    limits = known.of("HTTPLocalRateLimitPolicy", key.namespace)
    limits = [one for one in limits if is_about(one, "Server", key.name)]
    return Served(body, (*own, *wide, *older), routes, tuple(limits))


def is_about(policy: Body, kind: str, name: str = "") -> bool:
    target = section(section(policy, "spec"), "targetRef")
    return bool(target.get("kind") == kind and name in ("", target.get("name")))


def _authorizes(given: Body, server: Body) -> bool:
    said = section(section(given, "spec"), "server")
    if said.get("name"):
        return bool(said["name"] == key_of(server).name)
    labels = section(section(server, "metadata"), "labels")
    return "selector" in said and selector(section(said, "selector")).matches(labels)


def _routes(server: ObjectKey, known: Known) -> list[Body]:
    return [
        body
        for key, body in sorted(known.bodies.items())
        if key.kind in ("HTTPRoute", "GRPCRoute") and key.namespace == server.namespace
        for parent in section(body, "spec").get("parentRefs") or ()
        if (parent.get("kind"), parent.get("name")) == ("Server", server.name)
        and parent.get("group", POLICY if key.group == POLICY else "") == POLICY
    ]


def _of_route(route: Body, known: Known) -> tuple[Body, ...]:
    key = key_of(route)
    return tuple(
        one
        for one in known.of("AuthorizationPolicy", key.namespace)
        if is_about(one, key.kind, key.name) and section(one["spec"], "targetRef").get("group", "") == key.group
    )


def about(server: Body, scene: Scene) -> str:
    """By number, where the pods tell what a port is called."""
    spec, namespace = section(server, "spec"), key_of(server).namespace
    labels = section(section(spec, "podSelector"), "matchLabels")
    said = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    numbers = "/".join(str(one) for one in ports(server, scene)) or str(spec["port"])
    return f"port {numbers} of pods with {said or 'any labels'} in {namespace}"


def ports(server: Body, scene: Scene) -> list[int]:
    """The ports of the pods that a Server is for; none where no known pod has one of its name."""
    spec = section(server, "spec")
    if isinstance(spec["port"], int):
        return [spec["port"]]
    labels = section(section(spec, "podSelector"), "matchLabels")
    pods = scene.cluster.workloads_with(key_of(server).namespace, {str(k): str(v) for k, v in labels.items()})
    return sorted({pod.container_ports[spec["port"]] for pod in pods if spec["port"] in pod.container_ports})


def said(server: Served, known: Known) -> Any:
    """None for one whose pods are not told by labels, or which says what we do not know."""
    spec = section(server.body, "spec")
    chosen, default = section(spec, "podSelector"), str(spec.get("accessPolicy") or "deny")
    if set(spec) - {"podSelector", "port", "proxyProtocol", "accessPolicy"} or set(chosen) - {"matchLabels"}:
        return None
    if "podSelector" not in spec or default not in DEFAULTS:
        return None
    who = fewest({pair for one in server.policies for pair in _let_in(one, known)} | DEFAULTS[default])
    made: dict[str, Any] = {"protocol": spec.get("proxyProtocol") or "unknown", "callers": sorted(map(list, who))}
    if server.routes:
        made["requests"] = table(_units(server, who, known), outranks)
    if server.limits:
        made["limits"] = [{**one["spec"], "targetRef": None} for one in server.limits]
    return made


def _let_in(policy: Body, known: Known) -> Callers:
    return let_in(policy, known) if is_policy(policy) else authorized(policy, known)


def _units(server: Served, who: Callers, known: Known) -> Iterable[Unit]:
    """Those of the Server may send every request that fits a route. What nobody may send is refused either way."""
    for route, policies in server.routes.values():
        callers = fewest({pair for one in policies for pair in let_in(one, known)} | who)
        rules = section(route, "spec").get("rules") or [{}]
        asks = declared(rules, key_of(route).namespace, grpc=key_of(route).kind == "GRPCRoute")
        for place, (when, then) in enumerate(asks):
            asked = {**when, "hostnames": hosts} if (hosts := section(route, "spec").get("hostnames")) else when
            if callers or asked != _EVERYTHING:
                yield Unit(key_of(route), asked, {**then, "callers": sorted(map(list, callers))}, place)
