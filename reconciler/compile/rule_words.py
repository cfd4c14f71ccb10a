"""Parts of intents as short words, for those who inspect them."""

from __future__ import annotations

from typing import Any

from reconciler.model.intents import Identity
from reconciler.model.routing import Backend, Route, TrafficSource
from reconciler.model.rules import Leaf


def backend_word(backend: Backend) -> str:
    """``reviews.shop:9080 v2``"""
    port = f":{backend.port}" if backend.port else ""
    return f"{backend.service.label}{port} {backend.subset}".strip()


def callers_of_route(route: Route) -> tuple[str, ...]:
    return tuple(_source(one) for one in route.sources)


def _source(source: TrafficSource) -> str:
    labels = ",".join(f"{key}={value}" for key, value in source.labels)
    return "/".join(part for part in (source.namespace or "*", labels) if part)


def identity_word(identity: Identity) -> str:
    """``shop/productpage`` for an account, ``shop/*`` for a namespace, else the identity or addresses as written."""
    if identity.raw:
        return identity.raw
    parts = []
    if identity.namespace or identity.service_account:
        parts.append(f"{identity.namespace or '*'}/{identity.service_account or '*'}")
    elif identity.trust_domain:
        parts.append(f"trust domain {identity.trust_domain}")
    elif identity.any_identity:
        parts.append("anybody with an identity")
    if identity.ip_include or identity.ip_exclude:
        without = f" but {', '.join(identity.ip_exclude)}" if identity.ip_exclude else ""
        parts.append(f"from {', '.join(identity.ip_include) or 'anywhere'}{without}")
    return " ".join(parts) or "everybody"


def leaf_value(leaf: Leaf) -> Any:
    return {leaf.key: leaf.value} if leaf.key else leaf.value
