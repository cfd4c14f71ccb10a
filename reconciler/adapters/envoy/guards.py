"""What decides where requests arrive whether they may go on: a server that is asked, and where browsers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.envoy.amounts import length, share
from reconciler.adapters.envoy.conditions import all_of
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.servers import cluster_of, grpc_service
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

CSRF, EXT_AUTH = "traffic.csrf", "traffic.extAuth"
_AUTH = "envoy.extensions.filters.http.ext_authz.v3"
_METADATA = "envoy.extensions.filters.http.set_metadata.v3.Config"
_ROLES = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute"
_PASSED = "reconciler.passed"
_CSRF = "envoy.extensions.filters.http.csrf.v3.CsrfPolicy"
_TIMEOUT = "200ms"
Native = dict[str, Any]


def authorizer_name(leaf: Leaf) -> str:
    """The key tells several of one document apart."""
    return f"reconciler.ext_auth.{leaf.policy.namespace}.{leaf.policy.name}" + (f".{leaf.key}" if leaf.key else "")


def authorizer(leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Native:
    """The filter for the listener; it asks nobody until a route turns it on."""
    asked: Mapping[str, Any] = leaf.value
    timeout = length(asked.get("timeout", _TIMEOUT), leaf, gaps)
    config: Native = {
        "transport_api_version": "V3",
        "failure_mode_allow": asked.get("failOpen") is True,
        "stat_prefix": f"{leaf.policy.namespace}.{leaf.policy.name}",
    }
    server = str(asked["server"])
    if asked.get("protocol", "Grpc") == "Grpc":
        config["grpc_service"] = grpc_service(server, leaf, intent, gaps) | {"timeout": timeout}
    else:
        cluster, host = cluster_of(server, leaf, intent, gaps, http2=False)
        uri = f"http://{host}:{server.rpartition(':')[2]}"
        config["http_service"] = {"server_uri": {"uri": uri, "cluster": cluster, "timeout": timeout}}
    if "headers" in asked:
        config["allowed_headers"] = {"patterns": [{"exact": str(name).lower()} for name in asked["headers"]]}
    return {"name": authorizer_name(leaf), "disabled": True, "typed_config": typed(f"{_AUTH}.ExtAuthz", **config)}


def asked_here() -> Native:
    """What a route says to turn it on."""
    return typed(f"{_AUTH}.ExtAuthzPerRoute", check_settings={})


def passed(names: Sequence[str]) -> Native:
    """A filter for the listener: which others are there."""
    told = [{"metadata_namespace": _PASSED, "value": dict.fromkeys(names, True)}]
    return {"name": "reconciler.passed", "typed_config": typed(_METADATA, metadata=told)}


def gate(names: Sequence[str]) -> Native:
    """What a route says to the last filter: nobody gets by without these. A connection that is open keeps the filters
    with which it was opened for a while, and new ones would not be asked about what comes over it."""
    there = [
        {"metadata": {"filter": _PASSED, "path": [{"key": name}], "value": {"bool_match": True}}} for name in names
    ]
    policy = {"permissions": [all_of(there)], "principals": [{"any": True}]}
    return typed(_ROLES, rbac={"rules": {"action": "ALLOW", "policies": {"guarded": policy}}})


def origins(leaf: Leaf, gaps: Gaps) -> Native:
    """Where browsers may come from. In shadow, what would be refused is only counted."""
    asked: Mapping[str, Any] = leaf.value
    looked_at, none = {"default_value": share(asked.get("percent"))}, {"default_value": share(0)}
    shadow = bool(asked.get("shadow"))
    config: Native = {"filter_enabled": none if shadow else looked_at}
    if shadow:
        config["shadow_enabled"] = looked_at
    if found := [_origin(one, leaf, gaps) for one in asked.get("origins") or ()]:
        config["additional_origins"] = found
    return typed(_CSRF, **config)


def _origin(one: Mapping[str, str], leaf: Leaf, gaps: Gaps) -> Native:
    """The proxies compare host and port of an origin, without its scheme."""
    kind = next((kind for kind in ("exact", "prefix") if kind in one), None)
    if kind is None:
        gaps.error("mesh-inexpressible", "the mesh compares origins without their scheme, so not by expressions", leaf)
        return {"exact": ""}
    scheme, found, rest = one[kind].partition("://")
    return {kind: rest if found else scheme}
