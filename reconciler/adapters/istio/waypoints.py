"""Waypoints: the proxies that stand before services and workloads which have none of their own, and who uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, annotations_of, labels, mappings, name, namespace, selector, template
from reconciler.model.facts import WaypointFacts

CLASS = "istio-waypoint"
CONTROLLER = "istio.io/mesh-controller"
GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_GROUP = "gateway.networking.k8s.io/"
_SERVES = "istio.io/waypoint-for"
_USE = "istio.io/use-waypoint"
_USE_NAMESPACE = "istio.io/use-waypoint-namespace"
_NONE = "none"


def waypoint_refs(spaces: Iterable[Object], services: Iterable[Object]) -> dict[str, str]:
    """Which waypoint a namespace ("name/") or a service ("namespace/name") asks for; "" for none."""
    found = {f"{name(item)}/": ref for item in spaces if (ref := _ref(item, name(item))) is not None}
    for item in services:
        ref = _ref(item, namespace(item))
        if ref is not None:
            found[f"{namespace(item)}/{name(item)}"] = ref
    return dict(sorted(found.items()))


def waypoints(by_kind: Mapping[str, list[Object]], refs: Mapping[str, str]) -> tuple[WaypointFacts, ...]:
    """Gateways of a class for waypoints, and every other one that somebody uses as a waypoint."""
    classes = {CLASS} | {
        name(item)
        for item in by_kind.get("GatewayClass", [])
        if section(item, "spec").get("controllerName") == CONTROLLER
    }
    used = set(refs.values())
    spaces = {name(item): labels(item) for item in by_kind.get("Namespace", [])}
    accounts = _accounts(by_kind.get("Deployment", []))
    found = [
        _waypoint(item, refs, spaces, accounts)
        for item in by_kind.get("Gateway", [])
        if str(item.get("apiVersion", _GROUP)).startswith(_GROUP)
        and (section(item, "spec").get("gatewayClassName") in classes or f"{namespace(item)}/{name(item)}" in used)
    ]
    return tuple(sorted(found, key=lambda one: (one.namespace, one.name)))


def _ref(item: Object, place: str) -> str | None:
    said = labels(item).get(_USE)
    if said is None:
        return None
    return "" if said == _NONE else f"{labels(item).get(_USE_NAMESPACE) or place}/{said}"


def _waypoint(
    gateway: Object, refs: Mapping[str, str], spaces: Mapping[str, Mapping[str, Any]], accounts: Mapping[str, str]
) -> WaypointFacts:
    own = f"{namespace(gateway)}/{name(gateway)}"
    users = {key.partition("/")[0] for key, ref in refs.items() if ref == own}
    return WaypointFacts(
        name=name(gateway),
        namespace=namespace(gateway),
        serves=str(labels(gateway).get(_SERVES, "service")),
        service_account=str(
            annotations_of(gateway).get("gateway.istio.io/service-account") or accounts.get(own) or name(gateway)
        ),
        closed_to=tuple(sorted(user for user in users if not _lets_in(gateway, user, spaces.get(user, {})))),
    )


def _accounts(deployments: Iterable[Object]) -> dict[str, str]:
    """Service accounts of the Deployments that Gateways were made into, by the Gateway's namespace and name."""
    return {
        f"{namespace(item)}/{made}": str(account)
        for item in deployments
        if (made := labels(template(item)).get(GATEWAY_NAME))
        and (account := section(template(item), "spec").get("serviceAccountName"))
    }


def _lets_in(gateway: Object, user: str, space: Mapping[str, Any]) -> bool:
    """By the listener for the mesh: its own namespace, all of them, or those with some labels."""
    if user == namespace(gateway):
        return True
    listeners = mappings(section(gateway, "spec").get("listeners"))
    return any(_allows(item, space) for item in listeners if item.get("protocol") == "HBONE")


def _allows(listener: Object, space: Mapping[str, Any]) -> bool:
    allowed = section(section(listener, "allowedRoutes"), "namespaces")
    if allowed.get("from") == "Selector":
        return selector(section(allowed, "selector")).matches({key: str(value) for key, value in space.items()})
    return allowed.get("from") == "All"
