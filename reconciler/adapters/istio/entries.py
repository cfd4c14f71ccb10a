"""ServiceEntry: hosts that the mesh would not know by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import SERVICE_ENTRY
from reconciler.adapters.istio.objects import build, object_name
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import DestinationPort, Endpoint
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef

#: how the mesh finds the endpoints of an external host; DNS balances over all addresses that it is given
_RESOLUTION = {"Static": "STATIC", "Dns": "DNS", "Dynamic": "DYNAMIC_DNS", "None": "NONE"}


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The entries of a target."""
    for destination in intent.destinations:
        gaps = Gaps()
        yield built([service_entry(destination, intent, gaps)], gaps, destination.origins, intent)


def service_entry(destination: DestinationIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    """The entry of a destination with what cannot be said in ``gaps``."""
    wild = [host for host in destination.hosts if host.startswith("*")]
    if wild and destination.resolution in ("Dns", "Static") and not destination.endpoints and not destination.selector:
        gaps.error(
            "mesh-inexpressible", f"{wild[0]} cannot be looked up: give endpoints, or resolution None or Dynamic"
        )
    if destination.resolution == "Dynamic" and len(wild) < len(destination.hosts):
        gaps.error("mesh-invalid-value", "with resolution Dynamic the mesh takes hosts of the form *.suffix only")
    spec: dict[str, Any] = {
        "hosts": list(destination.hosts),
        "ports": [_port(port) for port in destination.ports],
        "location": "MESH_EXTERNAL" if destination.external else "MESH_INTERNAL",
        "resolution": _RESOLUTION[destination.resolution],
    }
    if destination.selector:
        spec["workloadSelector"] = {"labels": dict(destination.selector)}
    if destination.endpoints:
        spec["endpoints"] = [_endpoint(endpoint) for endpoint in destination.endpoints]
    if destination.visible_to:
        spec["exportTo"] = list(destination.visible_to)
    return build(
        intent, SERVICE_ENTRY, destination.service.namespace, name_of(destination.service), spec, destination.origins
    )


def name_of(service: ServiceRef) -> str:
    """A host has the name of its document with a mark, so that a Service of that name keeps its own objects."""
    if not service.host:
        return service.name
    return object_name(service.name, (service.name, service.namespace, service.host), ambiguous=True)


def _port(port: DestinationPort) -> Mapping[str, Any]:
    native: dict[str, Any] = {"number": port.number, "name": port.name, "protocol": port.protocol}
    return native | {"targetPort": port.target} if port.target not in (0, port.number) else native


def _endpoint(endpoint: Endpoint) -> Mapping[str, Any]:
    given = {
        "ports": dict(endpoint.ports),
        "labels": dict(endpoint.labels),
        "network": endpoint.network,
        "locality": endpoint.locality,
        "weight": endpoint.weight,
        "serviceAccount": endpoint.account.name if endpoint.account else "",
    }
    return {"address": endpoint.address} | {name: value for name, value in given.items() if value}
