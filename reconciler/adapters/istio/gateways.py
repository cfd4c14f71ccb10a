"""Which Deployments are gateways of the mesh, and what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.leaves import section
from reconciler.model.facts import GatewayFacts

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_WAYPOINT = "istio.io-mesh-controller"


def gateway(deployment: Mapping[str, Any]) -> GatewayFacts | None:
    """The gateway that a Deployment runs; None when it is none.

    Its labels are those that the Deployment selects by: they do not change with a version, as others of a pod may.
    """
    metadata, spec = section(deployment, "metadata"), section(deployment, "spec")
    labels = section(section(section(spec, "template"), "metadata"), "labels")
    if not _is_gateway(spec, labels):
        return None
    return GatewayFacts(
        name=str(metadata.get("name", "")),
        namespace=str(metadata.get("namespace", "")),
        role=_role(labels, str(metadata.get("name", ""))),
        labels=dict(section(section(spec, "selector"), "matchLabels") or labels),
    )


def _is_gateway(spec: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    if labels.get("gateway.istio.io/managed") == _WAYPOINT:
        return False  # a waypoint is bound by other means than labels
    annotations = section(section(section(spec, "template"), "metadata"), "annotations")
    return (
        GATEWAY_NAME in labels
        or "gateway" in str(labels.get("istio", ""))
        or "gateway" in str(annotations.get("inject.istio.io/templates", "")).split(",")
        or any(_runs_router(container) for container in _containers(spec))
    )


def _containers(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = section(section(spec, "template"), "spec").get("containers")
    return list(found) if isinstance(found, list) else []


def _runs_router(container: Mapping[str, Any]) -> bool:
    arguments = container.get("args")
    return isinstance(arguments, list) and arguments[:2] == ["proxy", "router"]


def _role(labels: Mapping[str, Any], name: str) -> str:
    said = f"{labels.get('istio', '')} {labels.get('app', '')} {name}".lower().replace("-", "")
    if "eastwest" in said:
        return "EastWest"
    return "Egress" if "egress" in said else "Ingress"
