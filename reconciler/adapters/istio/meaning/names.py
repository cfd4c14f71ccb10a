"""Hosts as the mesh reads them: a name without a dot is a service of the rule's own namespace, any other is whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Body, Scene
from reconciler.model.refs import ServiceRef


def namespace_of(body: Body) -> str:
    return str((body.get("metadata") or {}).get("namespace") or "")


def full_host(host: str, namespace: str, scene: Scene) -> str:
    host = host.lower()
    return host if "." in host or host == "*" else f"{host}.{namespace}.svc.{scene.cluster_domain}"


def service_of(host: str, namespace: str, scene: Scene) -> ServiceRef | None:
    """The service that a host names, None for any other host."""
    whole, suffix = full_host(host, namespace, scene), f".svc.{scene.cluster_domain}"
    parts = whole.removesuffix(suffix).split(".")
    return ServiceRef(parts[0], parts[1]) if whole.endswith(suffix) and len(parts) == 2 and "*" not in whole else None


def spec_of(body: Body) -> Mapping[str, Any]:
    found = body.get("spec")
    return found if isinstance(found, Mapping) else {}


def labels_of(body: Body) -> Mapping[str, str]:
    """The labels by which an object selects workloads, empty for all of its namespace."""
    selector = spec_of(body).get("selector") or {}
    return selector.get("matchLabels") or {}


def worded(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "all workloads"


#: labels and annotations that the mesh itself reads on its configuration
_READ = ("istio.io/", "networking.istio.io/", "security.istio.io/", "traffic.istio.io/", "internal.istio.io/")


def read_by_mesh(body: Body) -> dict[str, str]:
    """Labels and annotations that change what an object means, such as a revision or a dry run."""
    metadata = body.get("metadata") or {}
    given = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return {key: str(given[key]) for key in sorted(given) if key.startswith(_READ)}
