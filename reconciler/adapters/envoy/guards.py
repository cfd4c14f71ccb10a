"""What decides where requests arrive whether they may go on: a server that is asked, and where browsers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters import proxy_parts
from reconciler.adapters.envoy.amounts import length
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
    config = proxy_parts.authorization(
        asked,
        timeout,
        grpc=lambda server: grpc_service(server, leaf, intent, gaps),
        http=lambda server: cluster_of(server, leaf, intent, gaps, http2=False),
    )
    config["stat_prefix"] = f"{leaf.policy.namespace}.{leaf.policy.name}"
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
    """Where browsers may come from."""
    return typed(_CSRF, **proxy_parts.csrf(leaf.value, leaf, gaps))
