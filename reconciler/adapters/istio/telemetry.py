"""Telemetry: metrics, traces and access logs, one object for each scope, since the mesh takes one for a workload."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import TELEMETRY
from reconciler.adapters.istio.objects import build, object_name, root_namespace
from reconciler.adapters.istio.placing import placed
from reconciler.adapters.istio.providers import access_log, metrics_sink, tracer
from reconciler.adapters.leaves import section, tree
from reconciler.model.canonical import encode
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.workload_intents import TelemetryIntent

METRICS = {
    "requestCount": "REQUEST_COUNT",
    "requestDuration": "REQUEST_DURATION",
    "requestSize": "REQUEST_SIZE",
    "responseSize": "RESPONSE_SIZE",
    "tcpOpened": "TCP_OPENED_CONNECTIONS",
    "tcpClosed": "TCP_CLOSED_CONNECTIONS",
    "tcpSent": "TCP_SENT_BYTES",
    "tcpReceived": "TCP_RECEIVED_BYTES",
    "grpcRequestMessages": "GRPC_REQUEST_MESSAGES",
    "grpcResponseMessages": "GRPC_RESPONSE_MESSAGES",
}
_CODES = re.compile(r"(>=|<=|>|<)?(\d{3})|(\d{3})-(\d{3})")
Native = dict[str, Any]


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of every scope."""
    for asked in intent.telemetry:
        gaps = Gaps()
        yield built([telemetry(asked, intent, gaps)], gaps, asked.origins, intent)


def telemetry(asked: TelemetryIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The object of a scope with what cannot be said in ``gaps``; None when nothing is left to say."""
    rule = tree(asked.leaves)
    parts = {
        "accessLogging": _logs(section(rule, "logs"), intent, gaps),
        "metrics": _metrics(section(rule, "metrics"), intent, gaps),
        "tracing": _tracing(section(rule, "tracing"), intent, gaps),
    }
    spec: Native = {name: [part] for name, part in parts.items() if part}
    if not spec:
        return None
    scope = asked.scope
    spec = placed(scope, intent, gaps, whole=True) | spec
    name = object_name("telemetry", [encode(list(scope.labels))], ambiguous=bool(scope.labels))
    return build(
        intent, TELEMETRY, scope.namespace or root_namespace(intent), name, spec, (*asked.origins, *asked.inherited)
    )


def _metrics(asked: Mapping[str, Any], intent: MeshIntent, gaps: Gaps) -> Native:
    found: Native = {}
    if "sinks" in asked:
        found["providers"] = _named(metrics_sink(kind, place, intent, gaps) for kind, place in _places(asked))
    overrides: list[Native] = []
    if asked.get("enabled") is False:
        overrides.append({"match": {"metric": "ALL_METRICS"}, "disabled": True})
    tags = section(asked, "tags")
    changes = {tag: {"operation": "UPSERT", "value": _expression(value)} for tag, value in section(tags, "add").items()}
    changes |= {tag: {"operation": "REMOVE"} for tag in tags.get("remove", ())}
    if changes:
        overrides.append({"match": {"metric": "ALL_METRICS"}, "tagOverrides": dict(sorted(changes.items()))})
    overrides += [{"match": {"metric": METRICS[name]}, "disabled": True} for name in sorted(asked.get("disable", ()))]
    return found | ({"overrides": overrides} if overrides else {})


def _expression(value: Any) -> str:
    """A tag's value as the expression that the mesh evaluates."""
    if isinstance(value, Mapping):
        header = _text(str(value.get("header", "")).lower())
        return str(value["expression"]) if "expression" in value else f"request.headers[{header}]"
    return _text(str(value))


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _tracing(asked: Mapping[str, Any], intent: MeshIntent, gaps: Gaps) -> Native:
    found: Native = {}
    if "provider" in asked:
        found["providers"] = _named([tracer(asked["provider"], intent, gaps)])
    if asked.get("enabled") is False:
        found["disableSpanReporting"] = True
    if "percent" in asked:
        found["randomSamplingPercentage"] = asked["percent"]
    if tags := section(asked, "tags"):
        found["customTags"] = {name: _tag(tags[name]) for name in sorted(tags)}
    return found


def _tag(value: Any) -> Native:
    if isinstance(value, Mapping):
        kind = "header" if "header" in value else "environment"
        return {kind: {"name": value[kind]}}
    return {"literal": {"value": str(value)}}


def _logs(asked: Mapping[str, Any], intent: MeshIntent, gaps: Gaps) -> Native:
    found: Native = {}
    if "sinks" in asked:
        found["providers"] = _named(access_log(kind, place, intent, gaps) for kind, place in _places(asked))
    if asked.get("enabled") is False:
        found["disabled"] = True
    elif asked.get("enabled") and "sinks" not in asked:
        found["providers"] = [{"name": "envoy"}]
    if chosen := section(asked, "filter"):
        found["filter"] = {"expression": " && ".join(_conditions(chosen))}
    return found


def _conditions(chosen: Mapping[str, Any]) -> Iterable[str]:
    if "statusCodes" in chosen:
        yield _codes(str(chosen["statusCodes"]))
    for header in chosen.get("headers", ()):
        yield _header(header)
    if "minLatency" in chosen:
        length = seconds(chosen["minLatency"]) or 0
        yield f"request.duration >= duration('{float(length):g}s')"
    if "expression" in chosen:
        several = len(chosen) > 1
        yield f"({chosen['expression']})" if several else str(chosen["expression"])


def _codes(text: str) -> str:
    found = _CODES.fullmatch(text)
    if found is None:  # the schema lets no other through
        raise ValueError(f"no status codes: {text!r}")
    sign, code, first, last = found.groups()
    return f"response.code {sign or '=='} {code}" if code else f"response.code >= {first} && response.code <= {last}"


def _header(header: Mapping[str, Any]) -> str:
    name = _text(str(header["name"]).lower())
    there, value = f"{name} in request.headers", f"request.headers[{name}]"
    if header.get("present"):
        condition = there
    else:
        kind = next(kind for kind in ("exact", "prefix", "suffix", "regex") if kind in header)
        wanted = _text(str(header[kind]))
        said = {
            "exact": f"{value} == {wanted}",
            "prefix": f"{value}.startsWith({wanted})",
            "suffix": f"{value}.endsWith({wanted})",
            "regex": f"{value}.matches({_text('^(?:' + str(header[kind]) + ')$')})",
        }
        condition = f"{there} && {said[kind]}"
    return f"!({condition})" if header.get("invert") else condition


def _places(asked: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Each sink as its kind and where it is, "" for one that has no place."""
    for kind, places in sorted(section(asked, "sinks").items()):
        yield from ((kind, place) for place in sorted(places) or [""])


def _named(names: Iterable[str]) -> list[Native]:
    return [{"name": name} for name in dict.fromkeys(name for name in names if name)]
