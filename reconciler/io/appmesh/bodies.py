"""A resource as an object, and back. Its version is that of the resource, of the routes in it, and of its tags.

``metadata.version`` of the API moves with every update of the fields, but not with tags; so a mark of these is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from reconciler.io.appmesh.fields import from_api, to_api
from reconciler.io.appmesh.kinds import API_VERSION, GATEWAY_ROUTE, MESH, ROUTE, ROUTER, SERVICE, key_of, place_of
from reconciler.io.appmesh.tags import from_tags
from reconciler.model.canonical import digest
from reconciler.model.live import LiveObject
from reconciler.model.refs import ObjectKey
from reconciler.ports import Rejected

Found = Mapping[str, Any]
_ARN = {MESH: "meshARN"}
#: what only a controller on Kubernetes knows how to do
_OF_KUBERNETES = ("podSelector", "namespaceSelector", "gatewayRouteSelector", "backendGroups", "meshOwner")


@dataclass(frozen=True, slots=True)
class Held:
    """A resource as it is: its description, the routes in it (of a router), and its tags."""

    kind: str
    found: Found
    tags: Mapping[str, str]
    routes: Sequence[Found] = ()

    @property
    def key(self) -> ObjectKey:
        return key_of(self.kind, self.found)

    @property
    def arn(self) -> str:
        return str(self.found["metadata"]["arn"])

    @property
    def uid(self) -> str:
        return str(self.found["metadata"].get("uid") or "")

    @property
    def version(self) -> str:
        routes = sorted([str(one["routeName"]), int(one["metadata"]["version"])] for one in self.routes)
        mark = digest([self.uid, routes, dict(self.tags)])[:10]
        return f"{self.found['metadata']['version']}-{mark}"

    def body(self) -> dict[str, Any]:
        key = self.key
        spec = from_api(self.found.get("spec") or {})
        if key.kind == MESH and "serviceDiscovery" in spec:
            spec["meshServiceDiscovery"] = spec.pop("serviceDiscovery")
        if key.kind == SERVICE:  # its name is what callers dial
            spec = {"awsName": key.name, **spec}
        if key.kind == GATEWAY_ROUTE:
            spec["virtualGatewayRef"] = {"name": self.found["virtualGatewayName"]}
        if key.kind == ROUTER and self.routes:
            spec["routes"] = [{"name": one["routeName"], **from_api(one["spec"])} for one in ordered(self.routes)]
        metadata = {"name": key.name, **({"namespace": key.namespace} if key.namespace else {})}
        metadata |= {"uid": self.uid} if self.uid else {}
        return {
            "apiVersion": API_VERSION,
            "kind": key.kind,
            "metadata": {**metadata, **from_tags(self.tags)},
            "spec": spec,
            "status": self._status(),
        }

    def _status(self) -> dict[str, Any]:
        """As the controller words it."""
        said = str((self.found.get("status") or {}).get("status") or "ACTIVE")
        kind = self.kind
        active = {"type": f"{kind}Active", "status": "True" if said == "ACTIVE" else "False", "reason": said}
        return {_ARN.get(kind, f"{kind[0].lower()}{kind[1:]}ARN"): self.arn, "conditions": [active]}

    def live(self) -> LiveObject:
        body = self.body()
        meta = body["metadata"]
        return LiveObject(
            key=self.key,
            resource_version=self.version,
            raw=orjson.dumps(body),
            uid=self.uid,
            labels=meta.get("labels") or {},
            annotations=meta.get("annotations") or {},
        )


def ordered(routes: Sequence[Found]) -> list[Found]:
    """By priority, those without one last; the API lists them in no order."""
    return sorted(routes, key=lambda one: (one["spec"].get("priority", 1001), str(one["routeName"])))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as it is to be: the parameters that name it, its fields, and those of its routes by their names."""

    key: ObjectKey
    place: Mapping[str, str]
    spec: Mapping[str, Any]
    routes: Mapping[str, Mapping[str, Any]]


def wanted(body: Mapping[str, Any], key: ObjectKey) -> Wanted:
    """Rejected where the API has no such thing, or would take it for another one."""
    place, spec = place_of(key), dict(body.get("spec") or {})
    if named := [name for name in _OF_KUBERNETES if spec.get(name)]:
        raise Rejected(f"{key}: {', '.join(named)} mean something to the controller on Kubernetes only")
    _check_names(key, place, spec)
    mesh = key.namespace
    if key.kind == MESH and "meshServiceDiscovery" in spec:
        spec["serviceDiscovery"] = spec.pop("meshServiceDiscovery")
    routes: dict[str, Mapping[str, Any]] = {}
    for one in spec.pop("routes", None) or () if key.kind == ROUTER else ():
        if one["name"] in routes:
            raise Rejected(f"{key}: two of its routes are called {one['name']}")
        routes[one["name"]] = to_api({name: value for name, value in one.items() if name != "name"}, mesh)
    return Wanted(key, place, to_api(spec, mesh), routes)


def _check_names(key: ObjectKey, place: Mapping[str, str], spec: dict[str, Any]) -> None:
    """Names that a controller would look up are those of the object here."""
    called = str(list(place.values())[-1])
    given = {
        "awsName": (str(spec.pop("awsName", "") or called), called),
        "meshRef": (str((spec.pop("meshRef", None) or {}).get("name", key.namespace)), key.namespace),
    }
    if key.kind == GATEWAY_ROUTE:
        gateway = place["virtualGatewayName"]
        given["virtualGatewayRef"] = (str((spec.pop("virtualGatewayRef", None) or {}).get("name", gateway)), gateway)
    for field, (said, meant) in given.items():
        if said != meant:
            raise Rejected(f"{key}: its {field} is {said}, and by the API it is called {meant}")


def router_of(service: Found) -> str:
    """The VirtualRouter that a VirtualService leads to, or ""."""
    provider = service["spec"].get("provider") or {}
    return str((provider.get("virtualRouter") or {}).get("virtualRouterName") or "")


def described(kind: str, answer: Mapping[str, Any]) -> Found:
    """What an operation on one resource answers."""
    found: Found = answer[ROUTE.member if kind == ROUTE.kind else f"{kind[0].lower()}{kind[1:]}"]
    return found
