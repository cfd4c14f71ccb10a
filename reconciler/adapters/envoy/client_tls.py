"""How a caller secures its connections to a service: the mesh's own mutual TLS, unless a policy says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.envoy.identity import DISABLED, STRICT, client_tls, mode_of
from reconciler.adapters.envoy.kinds import files, typed
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.facts import PortFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

_TLS = "envoy.extensions.transport_sockets.tls.v3"
_VERSIONS = {"1.2": "TLSv1_2", "1.3": "TLSv1_3"}
_NEWEST = "TLSv1_3"
#: authorities that a machine takes by itself
_ROOTS = "/etc/ssl/certs/ca-certificates.crt"
#: would have to lie beside the proxies of callers, which get only their own identity
_IN_PROXIES = ("caRef", "clientCertRef")


def secured(
    rule: Mapping[str, Any], leaves: Iterable[Leaf], meant: tuple[DestinationIntent, PortFacts], intent: MeshIntent,
    gaps: Gaps,
) -> dict[str, Any]:  # fmt: skip
    """``transport_socket`` of a Cluster; empty for plain connections."""
    asked, leaf = section(rule, "tls"), leaf_at(leaves, "traffic.tls")
    destination, port = meant
    mode = str(asked.get("mode", "Disable" if destination.external else "MeshMutual"))
    for name in _IN_PROXIES:
        if name in asked:
            gaps.error("mesh-inexpressible", f"the proxies of callers have no secret for tls.{name}", leaf)
    if mode not in ("Disable", "Simple", "MeshMutual"):
        gaps.error("mesh-inexpressible", f"callers have no certificate of their own for tls {mode}", leaf)
    if asked and not destination.external:
        _compare(mode, mode_of(destination.service, intent), leaf, gaps)
    if mode == "Disable":
        return {}
    own = client_tls(destination, port, intent)
    if mode == "MeshMutual":
        return _changed(own, asked) if own and asked else own
    return _changed(_simple(destination, own), asked)


def _compare(mode: str, accepted: str, leaf: Leaf | None, gaps: Gaps) -> None:
    fails = mode == "MeshMutual" if accepted == DISABLED else accepted == STRICT and mode != "MeshMutual"
    if fails:
        told = f"callers would speak {mode} to workloads whose mtls is {accepted}: every request fails"
        gaps.warning("tls-against-mtls", told, leaf, "leave tls out, or change mtls there")


def _simple(destination: DestinationIntent, own: Mapping[str, Any]) -> dict[str, Any]:
    """Without a certificate of the caller. A service of the mesh shows its identity, any other one a name."""
    if own and not destination.external:
        common = own["transport_socket"]["typed_config"]["common_tls_context"]
        kept = {name: value for name, value in common.items() if name != "tls_certificate_sds_secret_configs"}
    elif destination.external:
        kept = {"validation_context": {"trusted_ca": {"filename": _ROOTS}}}
    else:
        trust = {"name": "trust", "sds_config": files("secrets/trust.json")}
        kept = {
            "combined_validation_context": {
                "default_validation_context": {},
                "validation_context_sds_secret_config": trust,
            }
        }
    names = {"sni": destination.hosts[0]} if destination.external and destination.hosts else {}
    return _socket({**names, "common_tls_context": kept})


def _changed(socket: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """With the names and the version that a policy asks for."""
    context = dict(socket["transport_socket"]["typed_config"])
    context.pop("@type", None)
    common = dict(context["common_tls_context"])
    if "minVersion" in asked:
        # the newest that the proxy speaks to a server is 1.2 where nothing is said
        versions = {"minimum": _VERSIONS[str(asked["minVersion"])], "maximum": _NEWEST}
        common["tls_params"] = {f"tls_{which}_protocol_version": version for which, version in versions.items()}
    if "subjectAltNames" in asked:
        common |= _validated(common, [_name(str(name)) for name in asked["subjectAltNames"]])
    sni = {"sni": str(asked["sni"])} if "sni" in asked else {}
    return _socket({**context, **sni, "common_tls_context": common})


def _validated(common: Mapping[str, Any], names: list[dict[str, Any]]) -> dict[str, Any]:
    if "validation_context" in common:
        return {"validation_context": {**common["validation_context"], "match_typed_subject_alt_names": names}}
    combined = common["combined_validation_context"]
    default = {**combined["default_validation_context"], "match_typed_subject_alt_names": names}
    return {"combined_validation_context": {**combined, "default_validation_context": default}}


def _name(name: str) -> dict[str, Any]:
    return {"san_type": "URI" if "://" in name else "DNS", "matcher": {"exact": name}}


def _socket(context: Mapping[str, Any]) -> dict[str, Any]:
    config = typed(f"{_TLS}.UpstreamTlsContext", **context)
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": config}}
