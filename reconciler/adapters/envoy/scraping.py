"""The numbers of a proxy for Prometheus. Its administration is for its own machine, this one page of it for others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.adapters.envoy.bootstrap import ADMIN_PORT, socket
from reconciler.adapters.envoy.kinds import CLUSTER, LISTENER, resource, typed
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject

PORT = 15090
NAME = "numbers"
_PAGE = "/stats/prometheus"
_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = typed("envoy.extensions.filters.http.router.v3.Router")


def scraped(proxy: Proxy, intent: MeshIntent, origins: Iterable[Origin]) -> Iterator[NativeObject]:
    origins = tuple(origins)
    endpoint = {"lb_endpoints": [{"endpoint": {"address": socket(proxy.local, ADMIN_PORT)}}]}
    cluster = {
        "name": NAME,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": NAME, "endpoints": [endpoint]},
    }
    yield resource(intent, proxy, CLUSTER, NAME, cluster, origins)
    listener = {
        "name": NAME,
        "address": socket(proxy.address, PORT),
        "traffic_direction": "INBOUND",
        "filter_chains": [{"filters": [_manager()]}],
    }
    yield resource(intent, proxy, LISTENER, NAME, listener, origins)


def _manager() -> dict[str, Any]:
    """Only reads, and only of this page."""
    match = {"path": _PAGE, "headers": [{"name": ":method", "string_match": {"exact": "GET"}}]}
    routes = [{"match": match, "route": {"cluster": NAME}}]
    manager = typed(
        _MANAGER,
        stat_prefix=NAME,
        route_config={"name": NAME, "virtual_hosts": [{"name": NAME, "domains": ["*"], "routes": routes}]},
        http_filters=[{"name": "envoy.filters.http.router", "typed_config": _ROUTER}],
        normalize_path=True,
    )
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
