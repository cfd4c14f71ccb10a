"""Limits of requests where they arrive: counted by each proxy for itself, or by a service for all of them.

A local limit is one bucket for all routes that carry it: the virtual host has the buckets, a route says which one its
requests take from. A global one needs a filter with its server in the listener, which asks for such requests only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters import proxy_parts
from reconciler.adapters.envoy.amounts import UNLIMITED, length
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.servers import grpc_service
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.proxy_parts import COUNTED_APART, token_bucket
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

LOCAL, GLOBAL = "traffic.rateLimit.local", "traffic.rateLimit.global"
_LOCAL = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_GLOBAL = "envoy.extensions.filters.http.ratelimit.v3.RateLimit"
_EXPRESSION = "envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor"
#: how many global limits there may be; the local ones come after them
STAGES = 10
_LOCAL_STAGE = STAGES
_BUCKET, _OF = "bucket", "of"
#: what the proxy itself says of a caller with an identity, and of no other
_SHOWN = "x-forwarded-client-cert"
Native = dict[str, Any]


def buckets(leaves: Sequence[Leaf], gaps: Gaps) -> Native:
    """The filter as a virtual host turns it on. What takes from none of the buckets is not limited."""
    every = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    free = {"max_tokens": UNLIMITED, "tokens_per_fill": UNLIMITED, "fill_interval": "1s"}
    return typed(
        _LOCAL,
        stat_prefix="reconciler_local_limit",
        stage=_LOCAL_STAGE,
        token_bucket=free,
        filter_enabled=every,
        filter_enforced=every,
        always_consume_default_token_bucket=False,
        max_dynamic_descriptors=COUNTED_APART,
        descriptors=[one for leaf in leaves for one in _descriptors(leaf, gaps)],
    )


def taken(leaf: Leaf) -> list[Native]:
    """What a route says: from which bucket. Who is in none of a kind shares one with all others that are not."""
    told, other = _generic(_name(leaf)), _generic(f"{_name(leaf)}/other")
    match leaf.value.get("per", "Route"):
        case "Header":
            name = str(leaf.value["header"]).lower()
            read = {"request_headers": {"header_name": name, "descriptor_key": _OF}}
            return [_limit([told, read]), _limit([other, _absent(name)])]
        case "Source" if _is_outside(leaf):
            return [_limit([told, {"remote_address": {}}])]
        case "Source":
            return [_limit([told, _caller()]), _limit([other, _absent(_SHOWN)])]
        case _:
            return [_limit([told])]


def global_name(stage: int) -> str:
    return f"reconciler.global_limit.{stage}"


def global_filter(stage: int, leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Native:
    """The filter for the listener."""
    asked: Mapping[str, Any] = leaf.value
    config = proxy_parts.global_limit(asked, stage, grpc_service(str(asked["server"]), leaf, intent, gaps))
    if "timeout" in asked:
        config["timeout"] = length(asked["timeout"], leaf, gaps)
    return {"name": global_name(stage), "typed_config": typed(_GLOBAL, **config)}


def _descriptors(leaf: Leaf, gaps: Gaps) -> list[Native]:
    bucket, name = token_bucket(leaf.value, leaf, gaps), _name(leaf)
    if leaf.value.get("per", "Route") == "Route":
        return [{"entries": [{"key": _BUCKET, "value": name}], "token_bucket": bucket}]
    if leaf.value["per"] == "Source" and _is_outside(leaf):
        return [{"entries": [{"key": _BUCKET, "value": name}, {"key": "remote_address"}], "token_bucket": bucket}]
    return [
        {"entries": [{"key": _BUCKET, "value": name}, {"key": _OF}], "token_bucket": bucket},
        {"entries": [{"key": _BUCKET, "value": f"{name}/other"}, {"key": _OF, "value": "-"}], "token_bucket": bucket},
    ]


def _is_outside(leaf: Leaf) -> bool:
    """Who comes in by a gateway shows no identity of the mesh, but comes from an address."""
    return leaf.policy.kind == "Ingress"


def _name(leaf: Leaf) -> str:
    """The key tells several of one document apart."""
    return f"{leaf.policy.namespace}/{leaf.policy.name}" + (f"#{leaf.key}" if leaf.key else "")


def _limit(actions: list[Native]) -> Native:
    return {"stage": _LOCAL_STAGE, "actions": actions}


def _generic(value: str) -> Native:
    return {"generic_key": {"descriptor_key": _BUCKET, "descriptor_value": value}}


def _absent(header: str) -> Native:
    """An entry for requests without a header."""
    headers = [{"name": header, "present_match": True}]
    return {
        "header_value_match": {
            "descriptor_key": _OF,
            "descriptor_value": "-",
            "expect_match": False,
            "headers": headers,
        }
    }


def _caller() -> Native:
    text = typed(_EXPRESSION, descriptor_key=_OF, text="connection.uri_san_peer_certificate", skip_if_error=False)
    return {"extension": {"name": "envoy.rate_limit_descriptors.expr", "typed_config": text}}
