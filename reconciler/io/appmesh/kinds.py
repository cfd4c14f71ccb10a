"""Which resource of the API is which kind of object, and how the two are called.

A resource lies in a mesh, which is the namespace of its object; its name is that of the object. The one exception is a
route of a gateway, whose name is its own within its gateway only: its object is called ``gateway.route``.

Source: service-2.json of the API version 2019-01-25, as botocore ships it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.refs import KindId, ObjectKey
from reconciler.ports import Rejected

GROUP = "appmesh.k8s.aws"
API_VERSION = f"{GROUP}/v1beta2"
MESH, NODE, ROUTER, SERVICE = "Mesh", "VirtualNode", "VirtualRouter", "VirtualService"
GATEWAY, GATEWAY_ROUTE = "VirtualGateway", "GatewayRoute"
#: what is told of the account itself, for discovery only
ACCOUNT = "Account"


@dataclass(frozen=True, slots=True)
class Resource:
    """``word``: in the names of operations; ``member``: in those of parameters and answers; ``several``: in lists."""

    kind: str
    word: str
    member: str
    several: str

    @property
    def operations(self) -> str:
        """The plural in the names of operations that list."""
        return "meshes" if self.kind == MESH else f"{self.word}s"

    @property
    def named(self) -> str:
        return f"{self.member}Name"


RESOURCES: Mapping[str, Resource] = {
    one.kind: one
    for one in (
        Resource(MESH, "mesh", "mesh", "meshes"),
        Resource(NODE, "virtual_node", "virtualNode", "virtualNodes"),
        Resource(ROUTER, "virtual_router", "virtualRouter", "virtualRouters"),
        Resource(SERVICE, "virtual_service", "virtualService", "virtualServices"),
        Resource(GATEWAY, "virtual_gateway", "virtualGateway", "virtualGateways"),
        Resource(GATEWAY_ROUTE, "gateway_route", "gatewayRoute", "gatewayRoutes"),
    )
}
#: no object of its own: a part of its VirtualRouter
ROUTE = Resource("Route", "route", "route", "routes")


def key_of(kind: str, found: Mapping[str, Any]) -> ObjectKey:
    """The object of a resource, as a list or a description names it."""
    name = str(found[RESOURCES[kind].named])
    if kind == MESH:
        return ObjectKey(GROUP, kind, "", name)
    gateway = f"{found['virtualGatewayName']}." if kind == GATEWAY_ROUTE else ""
    return ObjectKey(GROUP, kind, str(found["meshName"]), f"{gateway}{name}")


def place_of(key: ObjectKey) -> dict[str, str]:
    """The parameters that name the resource of an object. Rejected for what the API has not."""
    if key.group != GROUP or key.kind not in RESOURCES:
        raise Rejected(f"the API has nothing like {key.kind_id}")
    named = RESOURCES[key.kind].named
    if key.kind == MESH:
        return {named: key.name}
    if not key.namespace:
        raise Rejected(f"{key}: its namespace is the mesh that it lies in")
    if key.kind != GATEWAY_ROUTE:
        return {"meshName": key.namespace, named: key.name}
    gateway, _, route = key.name.partition(".")
    if not route:
        raise Rejected(f"{key}: a route of a gateway is called `gateway.route` here, since two gateways may have it")
    return {"meshName": key.namespace, "virtualGatewayName": gateway, named: route}


def kind_id(kind: str) -> KindId:
    return KindId(GROUP, kind)
