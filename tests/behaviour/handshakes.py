"""TLS of those who come in by gateways: the certificates of a gateway, and what its callers show and trust."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.io.identity.authority import open_authority
from reconciler.io.identity.certificates import issue
from reconciler.io.identity.spiffe import Identity

OUTSIDE, MESH = "outside.example", "cluster.local"
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def lay(secrets: Path, authority: Path) -> None:
    """Beside the secrets of a gateway: the certificate `public` with its key, and the root `clients`; of an authority
    that is none of the mesh. A client of it is laid beside that."""
    issuing = open_authority(authority, OUTSIDE)
    for folder, name in ((secrets, "public"), (authority, "client")):
        made = issue(issuing, Identity(OUTSIDE, "any", name), timedelta(hours=1), datetime.now(UTC))
        (folder / f"{name}.crt").write_text(made.certificate_chain_pem)
        (folder / f"{name}.key").write_text(made.key_pem)
    for root in (secrets / "clients.ca.crt", authority / "root.crt"):
        root.write_text(issuing.root_pem)


def handshake(asked: Mapping[str, Any], authority: Path, proxies: Path) -> ssl.SSLContext:
    """``as``: client, with a certificate of the outside, or a workload, as its proxy does; without it, nobody. These
    trust who they have their own certificate from. A SPIFFE ID is who the root of the mesh, or of the trust domain
    ``of``, says that it is, and trusts anybody."""
    who = asked.get("as", "")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificates are for identities
    if "newest" in asked:
        context.maximum_version = _VERSIONS[asked["newest"]]
    if who in ("", "client"):
        context.load_verify_locations(authority / "root.crt")
        if who:
            context.load_cert_chain(authority / "client.crt", authority / "client.key")
        return context
    if who.startswith("spiffe:"):
        return _issued(context, who, proxies / ".authority" / asked.get("of", MESH), authority)
    (secrets,) = proxies.glob(f"*/{who}/secrets")
    identity = _secret(secrets / "identity.json")["tls_certificate"]
    shown = authority / f"{who}.pem"
    shown.write_text("".join(identity[part]["inline_string"] for part in ("private_key", "certificate_chain")))
    context.load_cert_chain(shown)
    trust = _secret(secrets / "trust.json")["validation_context"]["trusted_ca"]["inline_string"]
    context.load_verify_locations(cadata=trust)
    return context


def _issued(context: ssl.SSLContext, name: str, issuing: Path, beside: Path) -> ssl.SSLContext:
    """With an identity of any trust domain from this root."""
    domain, _, namespace, _, account = name.removeprefix("spiffe://").split("/")
    authority = replace(open_authority(issuing, issuing.name), trust_domain=domain)
    made = issue(authority, Identity(domain, namespace, account), timedelta(hours=1), datetime.now(UTC))
    shown = beside / "any.pem"
    shown.write_text(made.key_pem + made.certificate_chain_pem)
    context.load_cert_chain(shown)
    context.verify_mode = ssl.CERT_NONE
    return context


def _secret(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["resources"][0]
    return found
