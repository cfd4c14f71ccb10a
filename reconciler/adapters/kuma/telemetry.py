"""MeshAccessLog, MeshTrace and MeshMetric, one of each for a scope: the mesh puts narrower ones on top of wider ones,
and takes the list of places of the narrower one whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.adapters.built import Built
from reconciler.adapters.envelopes import label_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.finished import finished
from reconciler.adapters.kuma.kinds import ACCESS_LOG, METRIC, TRACE
from reconciler.adapters.kuma.objects import arriving, build, proxies, system_namespace
from reconciler.adapters.kuma.percentages import percentage
from reconciler.adapters.leaves import section, tree
from reconciler.model.canonical import encode
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.workload_intents import TelemetryIntent

Native = dict[str, Any]
#: the defaults of the definitions, which would be filled in
_PROMETHEUS: Native = {"port": 5670, "path": "/metrics", "tls": {"mode": "Disabled"}}
_STDOUT = "/dev/stdout"
_OPERATORS = {
    "time": "%START_TIME%",
    "caller": "%KUMA_SOURCE_SERVICE%",
    "called": "%KUMA_DESTINATION_SERVICE%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "upstream": "%UPSTREAM_HOST%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "user_agent": "%REQ(USER-AGENT)%",
}
_ENTRIES = tuple({"key": key, "value": value} for key, value in _OPERATORS.items())
_SPANS = "/api/v2/spans"


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of every scope."""
    for asked in intent.telemetry:
        gaps = Gaps()
        yield finished(list(objects(asked, intent, gaps)), gaps, asked.origins, intent)


def objects(asked: TelemetryIntent, intent: MeshIntent, gaps: Gaps) -> Iterator[NativeObject]:
    """The objects of a scope with what cannot be said in ``gaps``."""
    rule = tree(asked.leaves)
    logs = _logs(section(rule, "logs"), gaps)
    if logs is not None:
        yield _object(ACCESS_LOG, arriving({"backends": logs}, ACCESS_LOG, intent), asked, intent)
    if trace := _trace(section(rule, "tracing"), gaps):
        yield _object(TRACE, {"default": trace}, asked, intent)
    metrics = _metrics(section(rule, "metrics"), gaps)
    if metrics is not None:
        yield _object(METRIC, {"default": {"backends": metrics}}, asked, intent)


def _object(kind: NativeKind, part: Native, asked: TelemetryIntent, intent: MeshIntent) -> NativeObject:
    scope = asked.scope
    name = label_name("telemetry", [encode(list(scope.labels))], ambiguous=bool(scope.labels))
    spec = {"targetRef": proxies(dict(scope.labels), intent), **part}
    namespace = scope.namespace or system_namespace(intent)
    return build(intent, kind, namespace, name, spec, (*asked.origins, *asked.inherited))


def _places(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each sink as its kind and where it is, "" for one that has no place."""
    for kind, places in sorted(section(asked, "sinks").items()):
        yield from ((kind, place) for place in sorted(places) or [""])


def _logs(asked: Mapping[str, Any], gaps: Gaps) -> list[Native] | None:
    """The places to which is logged; none where it is switched off, None where nothing is asked."""
    if asked.get("enabled") is False:
        return []
    sinks = list(_places(asked))
    if not sinks and asked.get("enabled"):
        sinks = [("stdout", "")]
    return [_log(kind, place, asked.get("format"), gaps) for kind, place in sinks] or None


def _log(kind: str, place: str, form: Any, gaps: Gaps) -> Native:
    """Text is the mesh's own line."""
    line = {"format": {"type": "Json", "json": list(_ENTRIES), "omitEmptyValues": False}} if form == "Json" else {}
    if kind == "otlp":
        if line:
            gaps.error("mesh-inexpressible", "the mesh sends records of OpenTelemetry, which are no text of JSON")
        return {"type": "OpenTelemetry", "openTelemetry": {"endpoint": place}}
    if kind not in ("stdout", "file"):
        gaps.error("mesh-inexpressible", f"the mesh has no place of kind {kind} for access logs")
    return {"type": "File", "file": {"path": place if kind == "file" else _STDOUT} | line}


def _trace(asked: Mapping[str, Any], gaps: Gaps) -> Native:
    native: Native = {}
    if asked.get("enabled") is False:
        native["backends"] = []
    elif "provider" in asked:
        native["backends"] = [_tracer(asked["provider"], gaps)]
    if "percent" in asked:
        native["sampling"] = {"random": percentage(asked["percent"])}
    if tags := section(asked, "tags"):
        native["tags"] = [_tag(name, tags[name], gaps) for name in sorted(tags)]
    return native


def _tracer(provider: Mapping[str, Any], gaps: Gaps) -> Native:
    kind = next(iter(provider))
    address = str(section(provider, kind).get("address", ""))
    match kind:
        case "otlp":
            return {"type": "OpenTelemetry", "openTelemetry": {"endpoint": address}}
        case "zipkin" | "jaeger":
            url = address if "://" in address else f"http://{address}{_SPANS}"
            usual = {"apiVersion": "httpJson", "sharedSpanContext": True, "traceId128bit": False}
            return {"type": "Zipkin", "zipkin": {"url": url, **usual}}
        case "datadog":
            url = address if "://" in address else f"http://{address}"
            return {"type": "Datadog", "datadog": {"url": url, "splitService": False}}
        case _:
            gaps.error("mesh-inexpressible", f"the mesh sends no traces to {kind}")
            return {}


def _tag(name: str, value: Any, gaps: Gaps) -> Native:
    if isinstance(value, Mapping) and "header" in value:
        return {"name": name, "header": {"name": str(value["header"]).lower()}}
    if isinstance(value, Mapping):
        gaps.error("mesh-inexpressible", f"the mesh takes tag {name} of traces from a header or as a text only")
    return {"name": name, "literal": str(value)}


def _metrics(asked: Mapping[str, Any], gaps: Gaps) -> list[Native] | None:
    """To whom metrics are shown; nobody where they are switched off, None where nothing is asked."""
    if asked.get("enabled") is False:
        return []
    if "tags" in asked or "disable" in asked:
        gaps.error("mesh-inexpressible", "the mesh cannot add tags to metrics, or leave single ones out by these names")
    return [_sink(kind, place, gaps) for kind, place in _places(asked)] or None


def _sink(kind: str, place: str, gaps: Gaps) -> Native:
    if kind == "otlp":
        return {"type": "OpenTelemetry", "openTelemetry": {"endpoint": place}}
    if kind != "prometheus":
        gaps.error("mesh-inexpressible", f"the mesh sends no metrics to {kind}")
    return {"type": "Prometheus", "prometheus": dict(_PROMETHEUS)}
