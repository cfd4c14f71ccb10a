"""Filters in proxies: WasmPlugin for modules, EnvoyFilter for Lua and for patches that the user writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import ENVOY_FILTER, WASM_PLUGIN
from reconciler.adapters.istio.objects import build, object_name, root_namespace
from reconciler.adapters.istio.placing import by_node, placed
from reconciler.model.canonical import encode
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.workload_intents import FilterIntent

_PHASES = {"Authn": "AUTHN", "Authz": "AUTHZ", "Stats": "STATS", "Unspecified": "UNSPECIFIED_PHASE"}
_MODES = {"Inbound": "SERVER", "Outbound": "CLIENT"}
_CONTEXTS = {"Inbound": "SIDECAR_INBOUND", "Outbound": "SIDECAR_OUTBOUND", "Gateway": "GATEWAY"}
_LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"
_MANAGER = "envoy.filters.network.http_connection_manager"
Native = dict[str, Any]


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of every filter."""
    for asked in intent.filters:
        gaps = Gaps()
        yield built([proxy_filter(asked, intent, gaps)], gaps, asked.origins, intent)


def proxy_filter(asked: FilterIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    """The object of a filter on one scope with what cannot be said in ``gaps``."""
    if asked.kind == "wasm":
        return _built(asked, intent, WASM_PLUGIN, placed(asked.scope, intent, gaps) | _wasm(asked, gaps))
    patches: Mapping[str, Any] = _lua(asked) if asked.kind == "lua" else asked.config
    if "workloadSelector" in patches or "targetRefs" in patches:
        gaps.error("mesh-invalid-value", "what selects workloads is written from `workloads`, not in the patch")
    if by_node(asked.scope, intent, gaps):
        gaps.error(
            "mesh-inexpressible", f"the mesh takes no EnvoyFilter for waypoints: namespace {asked.scope.namespace}"
        )
    spec = _selector(asked) | ({"priority": asked.order} if asked.order else {})
    return _built(asked, intent, ENVOY_FILTER, spec | dict(patches))


def _built(asked: FilterIntent, intent: MeshIntent, kind: NativeKind, spec: Native) -> NativeObject:
    policy, scope = asked.policy, asked.scope
    identity = (policy.namespace, policy.name, encode(list(scope.labels)))
    ambiguous = bool(scope.labels) or policy.namespace != "default"
    name = object_name(policy.name, identity, ambiguous=ambiguous)
    return build(intent, kind, scope.namespace or root_namespace(intent), name, spec, asked.origins)


def _selector(asked: FilterIntent) -> Native:
    return {"workloadSelector": {"labels": dict(asked.scope.labels)}} if asked.scope.labels else {}


def _wasm(asked: FilterIntent, gaps: Gaps) -> Native:
    config = asked.config
    where = config.get("image") or config.get("url") or config["path"]
    scheme = "oci://" if "image" in config else "file://" if "path" in config else ""
    native: Native = {"url": f"{scheme}{where}"}
    for field, name in (("sha256", "sha256"), ("pullSecretRef", "imagePullSecret"), ("rootId", "pluginName")):
        if field in config:
            native[name] = config[field]
    if "config" in config:
        native["pluginConfig"] = config["config"]
    if "phase" in config:
        native["phase"] = _PHASES[config["phase"]]
    if asked.order:
        native["priority"] = -asked.order  # the mesh puts the larger number first
    if "failOpen" in config:
        native["failStrategy"] = "FAIL_OPEN" if config["failOpen"] else "FAIL_CLOSE"
    if "vmId" in config:
        gaps.error("mesh-inexpressible", "the mesh gives modules their virtual machines by itself")
    context = config.get("context")
    if context in _MODES:
        native["match"] = [{"mode": _MODES[context]}]
    if context == "Gateway" and not asked.scope.labels:
        gaps.error("mesh-inexpressible", "a module for gateways needs their workloads: name them in `workloads`")
    return native


def _lua(asked: FilterIntent) -> Native:
    """The script before the router, for the requests of one direction."""
    context = _CONTEXTS[asked.config.get("context", "Inbound")]
    router = {"name": _MANAGER, "subFilter": {"name": "envoy.filters.http.router"}}
    value = {
        "name": object_name(f"lua.{asked.policy.namespace}.{asked.policy.name}", ()),
        "typed_config": {"@type": _LUA, "default_source_code": {"inline_string": asked.config["inline"]}},
    }
    patch = {
        "applyTo": "HTTP_FILTER",
        "match": {"context": context, "listener": {"filterChain": {"filter": router}}},
        "patch": {"operation": "INSERT_BEFORE", "value": value},
    }
    return {"configPatches": [patch]}
