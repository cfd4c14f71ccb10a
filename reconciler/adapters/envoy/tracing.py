"""Traces: where spans of requests go, of how many requests, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.collectors import Collectors
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.proxies import is_address
from reconciler.adapters.leaves import section
from reconciler.model.rules import Leaf

#: of a hundred requests, where nobody says how many
_PERCENT = 1
_TRACE = "envoy.config.trace.v3"
Native = dict[str, Any]


def tracing(asked: Mapping[str, Any], leaf: Leaf | None, who: str, to: Collectors) -> Native:
    """``tracing`` of a connection manager; nothing where spans have nowhere to go. ``leaf`` says where that is."""
    if leaf is None or asked.get("enabled") is False:
        return {}
    found: Native = {
        "provider": _provider(section(asked, "provider"), leaf, who, to),
        "random_sampling": {"value": asked.get("percent", _PERCENT)},
    }
    if tags := section(asked, "tags"):
        found["custom_tags"] = [_tag(name, tags[name]) for name in sorted(tags)]
    return found


def _provider(given: Mapping[str, Any], leaf: Leaf, who: str, to: Collectors) -> Native:
    kind, place = next(iter(given.items()))
    address = str(place["address"])
    if kind == "otlp":
        config = typed(f"{_TRACE}.OpenTelemetryConfig", grpc_service=to.grpc(address, leaf), service_name=who)
        return {"name": "envoy.tracers.opentelemetry", "typed_config": config}
    if kind == "xray":
        return {"name": "envoy.tracers.xray", "typed_config": _xray(address, leaf, who, to)}
    cluster, host = to.cluster(address, leaf)
    if kind == "datadog":
        config = typed(f"{_TRACE}.DatadogConfig", collector_cluster=cluster, collector_hostname=host, service_name=who)
        return {"name": "envoy.tracers.datadog", "typed_config": config}
    config = typed(
        f"{_TRACE}.ZipkinConfig",
        collector_cluster=cluster,
        collector_hostname=host,
        collector_endpoint="/api/v2/spans",
        collector_endpoint_version="HTTP_JSON",
        trace_id_128bit=True,
        shared_span_context=False,
    )
    return {"name": "envoy.tracers.zipkin", "typed_config": config}


def _xray(address: str, leaf: Leaf, who: str, to: Collectors) -> Native:
    """Its daemon is sent datagrams, at an address that is not looked up."""
    host, _, port = address.rpartition(":")
    if not is_address(host):
        to.gaps.error("mesh-inexpressible", f"the daemon has to be named by its IP address, not as {host}", leaf)
    endpoint: Any = socket(host, int(port))["socket_address"]
    return typed(f"{_TRACE}.XRayConfig", daemon_endpoint={**endpoint, "protocol": "UDP"}, segment_name=who)


def _tag(name: str, value: Any) -> Native:
    if not isinstance(value, Mapping):
        return {"tag": name, "literal": {"value": str(value)}}
    if "header" in value:
        return {"tag": name, "request_header": {"name": str(value["header"]).lower()}}
    return {"tag": name, "environment": {"name": str(value["environment"])}}
