"""What a control plane is told: its ``meshConfig`` from ConfigMaps, and the switches in its environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, containers, mappings, name, namespace, template

#: what compiling may ask about; by name, since other values may hold credentials
_SETTINGS = (
    "accessLogEncoding",
    "accessLogFile",
    "accessLogFormat",
    "defaultConfig.holdApplicationUntilProxyStarts",
    "defaultConfig.proxyMetadata.ISTIO_META_DNS_AUTO_ALLOCATE",
    "defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE",
    "defaultConfig.proxyMetadata.ISTIO_META_ENABLE_HBONE",
    "defaultConfig.tracing.sampling",
    "defaultHttpRetryPolicy.attempts",
    "defaultHttpRetryPolicy.retryOn",
    "enableAutoMtls",
    "enablePrometheusMerge",
    "enableTracing",
    "ingressControllerMode",
    "localityLbSetting.enabled",
    "meshMTLS.minProtocolVersion",
    "outboundTrafficPolicy.mode",
    "pathNormalization.normalization",
)
_ENVIRONMENT = (
    "AMBIENT_ENABLE_MULTI_NETWORK",
    "PILOT_ENABLE_ALPHA_GATEWAY_API",
    "PILOT_ENABLE_AMBIENT",
    "PILOT_ENABLE_ANALYSIS",
    "PILOT_ENABLE_STATUS",
)
_SHARED = "SHARED_MESH_CONFIG"


def mesh_config(plane: Object, revision: str, maps: Iterable[Object]) -> Mapping[str, Any]:
    """``meshConfig`` of a revision, over what it shares with others. ValueError when its YAML is broken, since a
    wrong trust domain grants access."""
    named = {name(item): item for item in maps if namespace(item) == namespace(plane)}
    own = _read(named.get(f"istio-{revision}" if revision else "istio"))
    shared = _environment(plane).get(_SHARED, "")
    return _over(_read(named.get(shared)), own) if shared else own


def settings(plane: Object, config: Mapping[str, Any]) -> dict[str, str]:
    """The values that are set, as text, by dotted path; those of the environment below ``env``, and where extension
    providers lead below ``provider``."""
    found = {path: text for path in _SETTINGS if (text := _text(_at(config, path.split("."))))}
    for item in mappings(config.get("extensionProviders")):
        if place := _place(item):
            found[f"provider.{item.get('name', '')}"] = place
    environment = _environment(plane)
    return found | {f"env.{key}": environment[key] for key in _ENVIRONMENT if environment.get(key)}


def providers(config: Mapping[str, Any]) -> dict[str, str]:
    """The extension providers by name, each with its kind."""
    found = {}
    for item in mappings(config.get("extensionProviders")):
        kind = next((key for key in sorted(item) if key != "name"), "")
        found[str(item.get("name", ""))] = kind
    return {key: found[key] for key in sorted(found) if key}


def _place(provider: Mapping[str, Any]) -> str:
    """Where an extension provider leads: ``service:port``, or the path of a file; "" where it says neither."""
    for kind in sorted(set(provider) - {"name"}):
        content = section(provider, kind)
        if "service" in content:
            return f"{content['service']}:{content.get('port', '')}"
        return str(content.get("path", ""))
    return ""


def _read(found: Object | None) -> Mapping[str, Any]:
    if found is None:
        return {}
    try:
        config = yaml.safe_load(str(section(found, "data").get("mesh", "")))
    except yaml.YAMLError as broken:
        raise ValueError(f"ConfigMap {namespace(found)}/{name(found)}: key mesh is not YAML: {broken}") from broken
    return config if isinstance(config, Mapping) else {}


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _over(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return merged


def _environment(plane: Object) -> dict[str, str]:
    return {
        str(entry.get("name")): str(entry.get("value", ""))
        for container in containers(template(plane))
        for entry in mappings(container.get("env"))
    }


def _at(value: Any, path: list[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, (Mapping, list)) else str(value)
