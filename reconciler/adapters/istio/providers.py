"""Extension providers: the places that the mesh's own configuration names, to which an object can only refer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent

#: built into the mesh, without being configured
BUILT_IN = {"prometheus": "prometheus", "stdout": "envoy"}
_TRACERS = {"otlp": "opentelemetry", "zipkin": "zipkin", "jaeger": "zipkin", "datadog": "datadog"}
_LOGS = {"otlp": "envoyOtelAls", "als": "envoyHttpAls", "file": "envoyFileAccessLog"}


def metrics_sink(kind: str, place: str, intent: MeshIntent, gaps: Gaps) -> str:
    """The name of the provider for a sink, "" with a gap where there is none."""
    return BUILT_IN[kind] if kind in BUILT_IN else _by_name(place, intent, gaps)


def access_log(kind: str, place: str, intent: MeshIntent, gaps: Gaps) -> str:
    if kind in BUILT_IN:
        return BUILT_IN[kind]
    return _by_name(place, intent, gaps) if kind == "name" else _by_place(_LOGS[kind], place, intent, gaps)


def tracer(provider: Mapping[str, Any], intent: MeshIntent, gaps: Gaps) -> str:
    kind = next(iter(provider))
    if kind == "name":
        return _by_name(str(provider["name"]), intent, gaps)
    return _by_place(_TRACERS[kind], str(provider[kind]["address"]), intent, gaps)


def _by_name(name: str, intent: MeshIntent, gaps: Gaps) -> str:
    known = {*intent.mesh.providers, *BUILT_IN.values()}
    if name in known or not intent.mesh.providers:
        return name
    hint = f"it has {', '.join(sorted(known))}"
    gaps.error("provider-unknown", f"the mesh has no extension provider {name}", hint=hint)
    return ""


def _by_place(kind: str, place: str, intent: MeshIntent, gaps: Gaps) -> str:
    """The provider of a kind that leads to an address or path."""
    for name, its_kind in sorted(intent.mesh.providers.items()):
        if its_kind == kind and _same(intent.mesh.settings.get(f"provider.{name}", ""), place, intent):
            return name
    message = f"the mesh has no extension provider of kind {kind} for {place}"
    hint = "add one to meshConfig.extensionProviders: only the mesh's own configuration can name addresses"
    gaps.error("provider-unknown", message, hint=hint)
    return ""


def _same(one: str, other: str, intent: MeshIntent) -> bool:
    return _full(one, intent) == _full(other, intent) and bool(one)


def _full(place: str, intent: MeshIntent) -> str:
    """``otel.monitoring:4317`` and the full name of that service are one place."""
    host, colon, port = place.rpartition(":")
    if not colon or place.startswith("/"):
        return place
    return f"{host.removesuffix(f'.svc.{intent.cluster_domain}').removesuffix('.svc')}:{port}"
