"""EnvoyFilter: pieces of the proxies' own configuration, for what the mesh has no field for. The API server does not
check them, so they are kept small and say exactly where they belong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters import proxy_parts
from reconciler.adapters.durations import canonical
from reconciler.adapters.istio.kinds import ENVOY_FILTER
from reconciler.adapters.istio.objects import build
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject

Native = dict[str, Any]
#: patches are applied by it before they are by age, so that it is always the same order; 0 is that of others
PRIORITY = 10
INBOUND, OUTBOUND, GATEWAY = "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"
_MANAGER = "envoy.filters.network.http_connection_manager"
_ROUTER = "envoy.filters.http.router"


def proxy_filter(
    intent: MeshIntent,
    place: tuple[str, str],
    selector: Mapping[str, str],
    patches: Sequence[Native],
    origins: Iterable[Origin],
) -> NativeObject:
    """The object in a namespace under a name; without a selector it is for every proxy that the namespace covers."""
    selected = {"workloadSelector": {"labels": dict(sorted(selector.items()))}} if selector else {}
    spec = {**selected, "priority": PRIORITY, "configPatches": list(patches)}
    return build(intent, ENVOY_FILTER, *place, spec, origins)


def merged(apply_to: str, match: Native, value: Native) -> Native:
    return {"applyTo": apply_to, "match": match, "patch": {"operation": "MERGE", "value": value}}


def before_router(port: int, value: Native) -> Native:
    """A filter for the requests that arrive at one port of a workload, after all of the mesh's own."""
    filters = {"name": _MANAGER, "subFilter": {"name": _ROUTER}}
    match = {"context": INBOUND, "listener": {"filterChain": {"destinationPort": port, "filter": filters}}}
    return {"applyTo": "HTTP_FILTER", "match": match, "patch": {"operation": "INSERT_BEFORE", "value": value}}


def before_router_of_gateways(value: Native) -> Native:
    """The same in every listener of a gateway."""
    filters = {"name": _MANAGER, "subFilter": {"name": _ROUTER}}
    match = {"context": GATEWAY, "listener": {"filterChain": {"filter": filters}}}
    return {"applyTo": "HTTP_FILTER", "match": match, "patch": {"operation": "INSERT_BEFORE", "value": value}}


def typed(url: str, config: Native) -> Native:
    return {"@type": f"type.googleapis.com/{url}", **config}


def length(text: object) -> str:
    """A duration in the one spelling that the proxies read: seconds."""
    return canonical(str(text))


def share(percent: Any) -> Native:
    """A percentage as the default of a fraction that proxies look up at run time."""
    return {"default_value": proxy_parts.share(percent)}
