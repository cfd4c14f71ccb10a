"""DestinationRule: subsets, and what holds for a host as a whole. The mesh merges several of one host by luck, so ours
is one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.balancing import load_balancer
from reconciler.adapters.istio.client_tls import client_tls
from reconciler.adapters.istio.entries import name_of
from reconciler.adapters.istio.kinds import DESTINATION_RULE
from reconciler.adapters.istio.locality import FAILING, needs_outlier
from reconciler.adapters.istio.objects import build, fqdn
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.istio.rule_fields import HTTP, KEEPALIVE, LENGTHS, OUTLIER, TCP
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import HostIntent, MeshIntent, Origin
from reconciler.model.native import NativeObject
from reconciler.model.rules import Leaf

_SUBSET_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def destination_rule(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The DestinationRule of a host; None when there is nothing to say about it."""
    policy = _traffic_policy(host, intent, gaps)
    subsets = _subsets(host, intent, gaps)
    if not policy and not subsets:
        return None
    spec: dict[str, Any] = {"host": fqdn(host.service, intent)}
    spec |= ({"trafficPolicy": policy} if policy else {}) | ({"subsets": subsets} if subsets else {})
    return build(intent, DESTINATION_RULE, host.service.namespace, name_of(host.service), spec, _origins(host))


def _traffic_policy(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    rule = tree(host.host_leaves)
    policy = {
        "connectionPool": _connection_pool(rule, host, gaps),
        "outlierDetection": _outlier_detection(rule, host, gaps),
        "loadBalancer": load_balancer(section(rule, "loadBalancing"), _leaf(host, "loadBalancing"), intent, gaps),
        "tls": client_tls(section(rule, "tls"), host, intent, gaps),
        "proxyProtocol": _proxy_protocol(section(rule, "protocol")),
        "retryBudget": _retry_budget(section(section(rule, "retries"), "budget")),
    }
    return {name: part for name, part in policy.items() if part}


def _origins(host: HostIntent) -> Iterable[Origin]:
    """Without subsets, the policies of the leaves alone, so that a policy about routes does not touch this object."""
    if host.subsets:
        return host.origins
    return {Origin(leaf.policy, leaf.position) for leaf in host.host_leaves} or host.origins


def _leaf(host: HostIntent, name: str) -> Leaf | None:
    return leaf_at(host.host_leaves, f"traffic.{name}")


def _subsets(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[dict[str, Any]]:
    """A subset's own policy takes the place of the host's field by field, so it says all that holds for it."""
    native = []
    for subset in sorted(host.subsets, key=lambda subset: subset.name):
        if not _SUBSET_NAME.fullmatch(subset.name):
            gaps.error("mesh-invalid-value", f"the name of a subset is a DNS label: {subset.name!r}")
        labels = {"labels": dict(sorted(subset.labels))} if subset.labels else {}
        own: dict[str, Any] = {}
        if subset.name in host.part_leaves:
            part = replace(host, host_leaves=host.part_leaves[subset.name])
            own = {"trafficPolicy": _traffic_policy(part, intent, gaps)}
        native.append({"name": subset.name} | labels | own)
    return native


def _fields(asked: Mapping[str, Any], names: Mapping[str, str], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    return {native: _value(field, asked[field], leaf, gaps) for field, native in names.items() if field in asked}


def _value(field: str, value: Any, leaf: Leaf | None, gaps: Gaps) -> Any:
    if field in LENGTHS:
        return duration(value, leaf, gaps)
    if isinstance(value, float) and not value.is_integer():
        gaps.error("mesh-invalid-value", f"the mesh takes whole numbers for {field}, not {value}", leaf)
    return int(value)


def _outlier_detection(rule: Mapping[str, Any], host: HostIntent, gaps: Gaps) -> dict[str, Any]:
    """What is asked; where the success rate alone is, none of the mesh's defaults beside it; and what requests need
    to leave a locality, where nobody says when an endpoint counts as failing."""
    asked = section(rule, "outlier")
    native = _fields(asked, OUTLIER, _leaf(host, "outlier"), gaps)
    if "successRate" in asked and "consecutiveErrors" not in asked:
        native["consecutive5xxErrors"] = 0
    if not asked and needs_outlier(section(section(rule, "loadBalancing"), "locality")):
        return dict(FAILING)
    return native


def _proxy_protocol(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": asked["proxyProtocol"]} if "proxyProtocol" in asked else {}


def _retry_budget(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The mesh's default is a fifth of a percent, so the percentage is always written."""
    return {"percent": asked["percent"]} if "percent" in asked else {}


def _connection_pool(rule: Mapping[str, Any], host: HostIntent, gaps: Gaps) -> dict[str, Any]:
    asked, leaf = section(rule, "connections"), _leaf(host, "connections")
    tcp, http = section(asked, "tcp"), section(asked, "http")
    native_tcp = _fields(tcp, TCP, leaf, gaps)
    if "connect" in section(rule, "timeout"):
        native_tcp["connectTimeout"] = duration(section(rule, "timeout")["connect"], _leaf(host, "timeout"), gaps)
    if keepalive := _fields(section(tcp, "keepalive"), KEEPALIVE, leaf, gaps):
        native_tcp["tcpKeepalive"] = keepalive
    native_http = _fields(http, HTTP, leaf, gaps)
    if "h2Upgrade" in http:
        native_http["h2UpgradePolicy"] = "UPGRADE" if http["h2Upgrade"] else "DO_NOT_UPGRADE"
    pool = {"tcp": native_tcp, "http": native_http}
    return {name: part for name, part in pool.items() if part}
