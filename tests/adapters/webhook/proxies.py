"""Telemetry, WasmPlugin and EnvoyFilter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.adapters.webhook.shared import (
    Body,
    attached,
    expression,
    selector,
)


def telemetry(spec: Body, _meta: Body) -> Iterator[str]:
    yield from attached(spec)
    blocks = [one for name in ("metrics", "tracing", "accessLogging") for one in spec.get(name, ())]
    if not all(provider.get("name") for one in blocks for provider in one.get("providers", ())):
        yield "a provider without a name"
    tracing = spec.get("tracing", [])
    if len(tracing) > 1 or any(len(one.get("providers", ())) > 1 for one in tracing):
        yield "several tracings or tracing providers"
    for one in tracing:
        if not 0 <= one.get("randomSamplingPercentage", 0) <= 100:
            yield "a sampling that is no percentage"
        for name, tag in one.get("customTags", {}).items():
            literal, rest = tag.get("literal", {}), [tag[kind] for kind in ("header", "environment") if kind in tag]
            if not name or literal.get("value") == "" or not all(part.get("name") for part in rest):
                yield f"a tag without name or value: {name}"
    overrides = [tags for one in spec.get("metrics", ()) for over in one.get("overrides", ())
                 for tags in over.get("tagOverrides", {}).values()]  # fmt: skip
    for tag in overrides:
        if (tag.get("operation", "UPSERT") == "UPSERT") is not bool(tag.get("value")):
            yield f"a tag to set without a value, or to remove with one: {tag}"


def wasm_plugin(spec: Body, _meta: Body) -> Iterator[str]:
    yield from attached(spec)
    if not spec.get("url") or not re.fullmatch("[a-f0-9]{64}|", spec.get("sha256", "")):
        yield "url or sha256"
    if len(spec.get("imagePullSecret", "")) > 253 or len(spec.get("pluginName", "")) > 256:
        yield "a name that is too long"
    variables = [one.get("name") for one in spec.get("vmConfig", {}).get("env", ())]
    if not all(variables) or len(set(variables)) < len(variables):
        yield f"variables {variables}"


OBJECTS = {"LISTENER": "listener", "FILTER_CHAIN": "listener", "NETWORK_FILTER": "listener", "HTTP_FILTER": "listener",
           "ROUTE_CONFIGURATION": "routeConfiguration", "VIRTUAL_HOST": "routeConfiguration",
           "HTTP_ROUTE": "routeConfiguration", "CLUSTER": "cluster"}  # fmt: skip
MANAGER = "envoy.filters.network.http_connection_manager"


def envoy_filter(spec: Body, _meta: Body) -> Iterator[str]:
    yield from selector(spec.get("workloadSelector", {}).get("labels", {}), "workloadSelector" in spec)
    for one in spec.get("configPatches", ()):
        patch, match = one.get("patch", {}), one.get("match", {})
        if not one.get("applyTo") or not patch.get("operation"):
            yield f"a patch of nothing: {one}"
        if patch.get("operation") != "REMOVE" and patch.get("value") is None:
            yield "a patch without a value"
        found = {"listener", "routeConfiguration", "cluster"} & set(match)
        if found - {OBJECTS.get(one.get("applyTo"), *found)}:
            yield f"{one['applyTo']} cannot match {sorted(found)}"
        filter_ = match.get("listener", {}).get("filterChain", {}).get("filter")
        if filter_ is not None:
            yield from _filter_match(filter_, one["applyTo"])
        if "proxyVersion" in match.get("proxy", {}):
            yield from expression(match["proxy"]["proxyVersion"])
        yield from _typed(patch.get("value"))


def _filter_match(filter_: Body, kind: str) -> Iterator[str]:
    if not filter_.get("name") or kind in ("LISTENER", "FILTER_CHAIN"):
        yield f"the filter of a {kind}, or one without a name"
    if "subFilter" in filter_ and (
        kind != "HTTP_FILTER" or filter_["name"] != MANAGER or not filter_["subFilter"].get("name")
    ):
        yield "a sub-filter of what has none"


def _typed(value: Any) -> Iterator[str]:
    """Types are of the third version; a filter by name alone is deprecated."""
    if isinstance(value, Mapping):
        if "@type" in value and not re.search(
            r"^type\.googleapis\.com/(envoy\..*\.v3\.|xds\.|udpa\.|google\.)", value["@type"]
        ):
            yield f"the type {value['@type']}"
        if str(value.get("name", "")).startswith("envoy.filters.") and not {"typed_config", "config_discovery"} & set(
            value
        ):
            yield f"{value['name']} without typed_config"
        yield from (text for item in value.values() for text in _typed(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _typed(item))
