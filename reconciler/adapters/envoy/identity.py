"""Mutual TLS: what a proxy shows, whom it takes, and which of its neighbours want it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.kinds import files, typed
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.facts import PortFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef
from reconciler.model.selectors import AccountRef

_TLS = "envoy.extensions.transport_sockets.tls.v3"
STRICT, PERMISSIVE, DISABLED = "Strict", "Permissive", "Disabled"


def mode_of(service: ServiceRef, intent: MeshIntent) -> str:
    """Strict where nobody asks for something else: every proxy has an identity."""
    for key in ((service.name, service.namespace), None):
        if found := intent.mtls_by_name.get(key):
            return found[0].mode
    return STRICT


def client_tls(destination: DestinationIntent, port: PortFacts, intent: MeshIntent) -> dict[str, Any]:
    """``transport_socket`` of a Cluster: the accounts of the service and nobody else may answer."""
    service = destination.service
    if mode_of(service, intent) == DISABLED:
        return {}
    accounts = [one.account or AccountRef("default", service.namespace) for one in destination.endpoints]
    answering = sorted({_account(one.namespace, one.name, intent) for one in accounts})
    context = typed(
        f"{_TLS}.UpstreamTlsContext",
        sni=names.server_name(service, port.number),
        common_tls_context=_common({"exact": name} for name in answering),
    )
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}


def server_tls(names: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """``transport_socket`` of a filter chain: every caller shows an identity that meets one of these matchers."""
    context = typed(
        f"{_TLS}.DownstreamTlsContext",
        require_client_certificate=True,
        common_tls_context=_common(names),
    )
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}


def _account(namespace: str, name: str, intent: MeshIntent) -> str:
    return f"spiffe://{intent.mesh.trust_domain}/ns/{namespace}/sa/{name}"


def _common(matchers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Who the other side must be: one that meets one of the matchers. No matchers would mean anybody, and never do."""
    names = [{"san_type": "URI", "matcher": matcher} for matcher in matchers]
    validation: dict[str, Any] = {
        "match_typed_subject_alt_names": names or [{"san_type": "URI", "matcher": {"exact": "spiffe://"}}]
    }
    return {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificate_sds_secret_configs": [{"name": "identity", "sds_config": files("secrets/identity.json")}],
        "combined_validation_context": {
            "default_validation_context": validation,
            "validation_context_sds_secret_config": {"name": "trust", "sds_config": files("secrets/trust.json")},
        },
    }
