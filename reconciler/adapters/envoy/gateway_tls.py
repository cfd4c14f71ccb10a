"""TLS at gateways: certificates are PEM files that the operator lays beside the proxy's own secrets.

    secrets/<Secret>.crt, .key    the certificate and its key
    secrets/<Secret>.ca.crt       whose clients are let in, of mode Mutual

They are read again when they are replaced by a rename.
"""

from __future__ import annotations

from typing import Any

from reconciler.adapters.envoy.identity import server_tls
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.principals import own_domains
from reconciler.adapters.gaps import Gaps
from reconciler.model.ingress import Listener, ListenerTls
from reconciler.model.intents import MeshIntent

FOLDER = "secrets"
_CONTEXT = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
_VERSIONS = {"1.0": "TLSv1_0", "1.1": "TLSv1_1", "1.2": "TLSv1_2", "1.3": "TLSv1_3"}
_WATCHED = {"watched_directory": {"path": FOLDER}}


def secured(listener: Listener, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """``transport_socket`` of a filter chain; nothing where TLS does not end here."""
    tls = listener.tls
    if tls is None or tls.mode == "Passthrough" or listener.finds_its_way:
        return {}
    if tls.mode == "MeshMutual":
        return server_tls({"prefix": f"spiffe://{domain}/"} for domain in own_domains(intent))
    if tls.secret is None:
        gaps.error("mesh-inexpressible", f"listener {listener.name} ends TLS without a certificate (secretRef)")
        return {}
    common: dict[str, Any] = {
        "tls_params": {"tls_minimum_protocol_version": _VERSIONS[tls.min_version or "1.2"]},
        "tls_certificates": [_certificate(tls.secret.name)],
        "alpn_protocols": ["h2", "http/1.1"] if listener.carries_http else [],
    }
    common |= _clients(tls, listener, gaps)
    context = typed(_CONTEXT, common_tls_context={key: value for key, value in common.items() if value})
    if tls.mode == "Mutual":
        context["require_client_certificate"] = True
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}


def _certificate(name: str) -> dict[str, Any]:
    return {
        "certificate_chain": {"filename": f"{FOLDER}/{name}.crt"},
        "private_key": {"filename": f"{FOLDER}/{name}.key"},
        **_WATCHED,
    }


def _clients(tls: ListenerTls, listener: Listener, gaps: Gaps) -> dict[str, Any]:
    """Never nobody's word: a listener of mode Mutual without a root to trust would let everybody in."""
    if tls.mode != "Mutual":
        return {}
    trusted = tls.client_ca or tls.secret
    if trusted is None:
        gaps.error("mesh-inexpressible", f"listener {listener.name} is Mutual without a root for its clients")
        return {}
    return {"validation_context": {"trusted_ca": {"filename": f"{FOLDER}/{trusted.name}.ca.crt"}, **_WATCHED}}
