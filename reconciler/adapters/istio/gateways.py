"""Which Deployments are gateways of the mesh, what they are for, and under which addresses others reach them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.istio.waypoints import GATEWAY_NAME
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, annotations_of, labels, mappings, name, namespace, template, texts
from reconciler.model.facts import GatewayFacts, PortFacts

_CLASS_NAME = "gateway.networking.k8s.io/gateway-class-name"
_MANAGED = "gateway.istio.io/managed"
_WAYPOINT = "istio.io-mesh-controller"
_EAST_WEST = "istio.io-eastwest-controller"


def gateways(deployments: Iterable[Object], services: Iterable[Object]) -> tuple[GatewayFacts, ...]:
    """The gateways that Deployments run, sorted."""
    near: dict[str, list[Object]] = {}
    for item in services:
        near.setdefault(namespace(item), []).append(item)
    found = [_gateway(item, near.get(namespace(item), [])) for item in deployments if is_bound_by_labels(item)]
    return tuple(sorted(found, key=lambda facts: (facts.namespace, facts.name)))


def is_bound_by_labels(deployment: Object) -> bool:
    """A gateway, and no waypoint, which is bound by other means than labels."""
    return is_gateway(deployment) and labels(template(deployment)).get(_MANAGED) != _WAYPOINT


def is_gateway(workload: Object) -> bool:
    """Whether its pods are proxies of the mesh on their own, waypoints too."""
    pod = template(workload)
    return (
        GATEWAY_NAME in labels(pod)
        or "gateway" in str(labels(pod).get("istio", ""))
        or "gateway" in str(annotations_of(pod).get("inject.istio.io/templates", "")).split(",")
        or any(_runs_router(container) for container in mappings(section(pod, "spec").get("containers")))
    )


def revision_label(deployment: Object) -> str:
    """Of the pods: a label, or for those that a Gateway object was made into an annotation."""
    pod = template(deployment)
    return str(labels(pod).get("istio.io/rev") or annotations_of(pod).get("istio.io/rev") or "")


def _gateway(deployment: Object, services: list[Object]) -> GatewayFacts:
    """Its labels are those that the Deployment selects by: they do not change with a version, as others may."""
    own = labels(template(deployment))
    bound = [item for item in services if _selects(item, own)]
    bound.sort(key=lambda item: (name(item) != name(deployment), name(item)))
    stable = section(section(section(deployment, "spec"), "selector"), "matchLabels")
    return GatewayFacts(
        name=name(deployment),
        namespace=namespace(deployment),
        role=_role(own, name(deployment)),
        labels=dict(stable or own),
        addresses=tuple(sorted({address for item in bound for address in _addresses(item)})),
        ports=tuple(_ports(bound)),
        service=name(bound[0]) if bound else "",
        resource=str(own.get(GATEWAY_NAME, "")),
        class_name=str(own.get(_CLASS_NAME, "")),
    )


def _runs_router(container: Object) -> bool:
    arguments = container.get("args")
    return isinstance(arguments, list) and arguments[:2] == ["proxy", "router"]


def _role(own: Mapping[str, Any], named: str) -> str:
    said = f"{own.get('istio', '')} {own.get('app', '')} {named}".lower().replace("-", "")
    if own.get(_MANAGED) == _EAST_WEST or "eastwest" in said:
        return "EastWest"
    return "Egress" if "egress" in said else "Ingress"


def _selects(service: Object, own: Mapping[str, Any]) -> bool:
    wanted = section(section(service, "spec"), "selector")
    return bool(wanted) and all(own.get(key) == value for key, value in wanted.items())


def _addresses(service: Object) -> Iterable[str]:
    """Those outside the cluster: given by a load balancer, or by hand."""
    for entry in mappings(section(section(service, "status"), "loadBalancer").get("ingress")):
        yield from (str(entry[key]) for key in ("ip", "hostname") if entry.get(key))
    yield from texts(section(service, "spec").get("externalIPs"))


def _ports(services: list[Object]) -> Iterable[PortFacts]:
    """Of all its Services, each number once."""
    found: dict[int, PortFacts] = {}
    for service in services:
        for port in mappings(section(service, "spec").get("ports")):
            number = port.get("port")
            if isinstance(number, int) and number not in found:
                found[number] = PortFacts(
                    number,
                    str(port.get("name") or ""),
                    port.get("targetPort") or 0,
                    str(port.get("protocol") or "TCP"),
                    str(port.get("appProtocol") or ""),
                )
    return (found[number] for number in sorted(found))
