"""What gateways let in: a Gateway for each listener, bound to the pods of the gateway, and a VirtualService for each
host with its routes. Of the routes inside the mesh a gateway takes no notice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.envelopes import ANY, label_name, table_name
from reconciler.adapters.forwarding import check_connections, origins_of
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.at_gateways import gateway_filter
from reconciler.adapters.istio.connections import destinations
from reconciler.adapters.istio.kinds import GATEWAY, VIRTUAL_SERVICE
from reconciler.adapters.istio.objects import build
from reconciler.adapters.istio.routes import http_routes
from reconciler.model.ingress import Listener, ListenerTls, SecretRef
from reconciler.model.ingress_intents import GatewayIntent, HostTable
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Route
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef

_MODES = {
    "Simple": "SIMPLE",
    "Mutual": "MUTUAL",
    "Passthrough": "PASSTHROUGH",
    "AutoPassthrough": "AUTO_PASSTHROUGH",
    "MeshMutual": "ISTIO_MUTUAL",
}
_VERSIONS = {"1.0": "TLSV1_0", "1.1": "TLSV1_1", "1.2": "TLSV1_2", "1.3": "TLSV1_3"}


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all Ingress documents."""
    for asked in intent.ingress:
        gaps = Gaps()
        yield built(objects(asked, intent, gaps), gaps, asked.origins, intent)


def objects(asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    """The objects of one document on one gateway, with what cannot be said in ``gaps``."""
    labels = dict(asked.gateway.labels) if asked.gateway else {}
    if not labels:
        name = asked.gateway.name if asked.gateway else asked.class_name
        gaps.error("gateway-unselectable", f"gateway {name} has no labels to be bound by")
    made = [
        build(intent, GATEWAY, asked.namespace, _gateway(asked, one), {
            "selector": dict(sorted(labels.items())), "servers": [_server(one, asked, gaps)],
        }, asked.own_origins)
        for one in asked.listeners
    ]  # fmt: skip
    made += [_virtual_service(table, asked, intent, gaps) for table in asked.tables]
    filtered = gateway_filter(asked, intent, gaps)
    return [*made, filtered] if filtered else made


def _gateway(asked: GatewayIntent, listener: Listener) -> str:
    """``public-https``: the mesh refuses a dot here. Marked where it could mean something else too."""
    policy = asked.policy
    ambiguous = policy.namespace != "default" or "-" in listener.name
    return label_name(
        f"{policy.name}-{listener.name}", (policy.namespace, policy.name, listener.name), ambiguous=ambiguous
    )


def _server(listener: Listener, asked: GatewayIntent, gaps: Gaps) -> dict[str, Any]:
    port = {"number": listener.port, "name": listener.name, "protocol": _protocol(listener)}
    native: dict[str, Any] = {"hosts": list(listener.hosts or (ANY,)), "port": port}
    return native | ({"tls": _tls(listener.tls, asked, gaps)} if listener.tls else {})


def _protocol(listener: Listener) -> str:
    """Where TLS ends at the gateway, the protocol says what comes out of it."""
    if listener.tls is not None and listener.protocol == "GRPC":
        return "HTTPS"
    return "TLS" if listener.tls is not None and listener.protocol == "TCP" else listener.protocol


def _tls(tls: ListenerTls, asked: GatewayIntent, gaps: Gaps) -> dict[str, Any]:
    native: dict[str, Any] = {"mode": _MODES[tls.mode]}
    for secret, field in ((tls.secret, "credentialName"), (tls.client_ca, "caCertCredentialName")):
        if secret is not None:
            native[field] = _secret(secret, asked, gaps)
    return native | ({"minProtocolVersion": _VERSIONS[tls.min_version]} if tls.min_version else {})


def _secret(secret: SecretRef, asked: GatewayIntent, gaps: Gaps) -> str:
    if secret.namespace not in ("", asked.namespace):
        message = f"the mesh reads Secret {secret.name} in namespace {asked.namespace} of the gateway only"
        gaps.error("mesh-inexpressible", f"{message}, not in {secret.namespace}", hint="copy it there")
    return secret.name


def _virtual_service(table: HostTable, asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    routes = [_with_ports(route, intent, gaps) for route in table.routes]
    spec: dict[str, Any] = {"hosts": [table.host], "gateways": [f"{asked.namespace}/{_gateway(asked, table.listener)}"]}
    if table.listener.carries_http:
        spec["http"] = http_routes(routes, HostIntent(ServiceRef("", ""), None, (), (), (), ()), intent, gaps)
    else:
        spec |= _connections(table, routes, intent, gaps)
    return build(intent, VIRTUAL_SERVICE, asked.namespace, table_name(table, asked), spec, origins_of(table, asked))


def _connections(table: HostTable, routes: Sequence[Route], intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """Where no requests are seen, one route says where connections go."""
    check_connections(table, gaps)
    sent = [destinations(route, intent, gaps) for route in routes[:1]]
    if table.listener.tls is not None and table.listener.tls.mode == "Passthrough":
        return {"tls": [{"match": [{"sniHosts": [table.host]}], "route": route} for route in sent]}
    return {"tcp": [{"route": route} for route in sent]}


def _with_ports(route: Route, intent: MeshIntent, gaps: Gaps) -> Route:
    """No caller inside the mesh has chosen a port: where the service has several, one must be named."""
    for backend in (*route.backends, *route.mirrors):
        _check_port(backend, intent, gaps)
    return replace(route, sources=())


def _check_port(backend: Backend, intent: MeshIntent, gaps: Gaps) -> None:
    facts = intent.cluster.service(backend.service.name, backend.service.namespace)
    if facts is not None and len(facts.ports) > 1 and not backend.port:
        message = f"{backend.service.label} has several ports, and a gateway has to know which one is meant"
        gaps.error("port-needed", message, hint="write the port in the entry of the route")
