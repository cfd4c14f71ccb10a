"""What Istio's admission webhook refuses or warns of, for the fields that we write.

Read from pkg/config/validation (validation.go, virtualservice.go, envoyfilter/envoyfilter.go) of Istio; the API server
of the tests has no webhook. What CRDs and their CEL rules say is not repeated (see crds.py, cel.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.adapters.webhook import destinations, hosts, proxies, routes, security
from tests.adapters.webhook.shared import WARNING, Body

CHECKS: dict[str, Callable[[Body, Body], Iterator[str]]] = {
    "VirtualService": routes.virtual_service,
    "DestinationRule": destinations.destination_rule,
    "Gateway": hosts.gateway,
    "ServiceEntry": hosts.service_entry,
    "Sidecar": hosts.sidecar,
    "AuthorizationPolicy": security.authorization_policy,
    "RequestAuthentication": security.request_authentication,
    "PeerAuthentication": security.peer_authentication,
    "Telemetry": proxies.telemetry,
    "WasmPlugin": proxies.wasm_plugin,
    "EnvoyFilter": proxies.envoy_filter,
}


def refusals(body: Body) -> list[str]:
    """Of one object of Istio; empty where the webhook takes it."""
    return [text for text in _said(body) if not text.startswith(WARNING)]


def warnings(body: Body) -> list[str]:
    return [text.removeprefix(WARNING) for text in _said(body) if text.startswith(WARNING)]


def _said(body: Body) -> Iterator[str]:
    if ".istio.io/" in str(body["apiVersion"]) and (check := CHECKS.get(str(body["kind"]))):
        yield from check(body["spec"], body["metadata"])
