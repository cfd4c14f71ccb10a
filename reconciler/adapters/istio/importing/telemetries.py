"""Telemetry: a TelemetryPolicy for the same workloads. Providers are named as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.scopes import workloads
from reconciler.adapters.istio.meaning.names import labels_of, spec_of
from reconciler.adapters.istio.telemetry import METRICS

_METRICS = {theirs: ours for ours, theirs in METRICS.items()}
_EVERY = ("ALL_METRICS", "CLIENT_AND_SERVER")
Part = Mapping[str, Any]


def telemetry(body: Body, scene: Scene) -> Draft:
    spec, name = spec_of(body), str(body["metadata"]["name"])
    only(spec, ("selector", "accessLogging", "tracing", "metrics"), "spec")
    parts = {
        "metrics": _metrics(_one(spec, "metrics")),
        "tracing": _tracing(_one(spec, "tracing")),
        "logs": _logs(_one(spec, "accessLogging")),
    }
    said = {field: part for field, part in parts.items() if part}
    if not said:
        raise Unsayable("it says nothing")
    wanted: dict[str, Any] = {"workloads": workloads(body, scene), **said}
    wanted |= named(TYPE, body, "" if labels_of(body) else "telemetry", scene)
    return Draft(key_of(body), ({"kind": "TelemetryPolicy", "name": name, "spec": wanted},))


def _one(spec: Part, field: str) -> Part:
    given: Sequence[Part] = spec.get(field) or []
    if len(given) > 1:
        raise Unsayable(f"{field} has several entries")
    return given[0] if given else {}


def _providers(given: Part) -> list[dict[str, str]]:
    return [{"name": str(one["name"])} for one in given.get("providers") or ()]


def _logs(given: Part) -> dict[str, Any]:
    only(given, ("providers", "disabled", "filter"), "accessLogging")
    made: dict[str, Any] = {"enabled": False} if given.get("disabled") else {}
    if sinks := _providers(given):
        made["sinks"] = sinks
    if chosen := given.get("filter"):
        made["filter"] = {"expression": chosen["expression"]}
    return made


def _tracing(given: Part) -> dict[str, Any]:
    known = ("providers", "disableSpanReporting", "randomSamplingPercentage", "customTags")
    only(given, known, "tracing")
    made: dict[str, Any] = {"enabled": False} if given.get("disableSpanReporting") else {}
    if "randomSamplingPercentage" in given:
        made["percent"] = given["randomSamplingPercentage"]
    providers = _providers(given)
    if len(providers) > 1:
        raise Unsayable("tracing has several providers")
    if providers:
        made["provider"] = providers[0]
    if tags := given.get("customTags"):
        made["tags"] = {tag: _tag(value) for tag, value in sorted(tags.items())}
    return made


def _tag(given: Part) -> Any:
    only(given, ("literal", "header", "environment"), "customTags")
    if "literal" in given:
        return str(given["literal"]["value"])
    kind = "header" if "header" in given else "environment"
    only(given[kind], ("name",), f"customTags.{kind}")
    return {kind: given[kind]["name"]}


def _metrics(given: Part) -> dict[str, Any]:
    only(given, ("providers", "overrides"), "metrics")
    made: dict[str, Any] = {"sinks": sinks} if (sinks := _providers(given)) else {}
    disabled: list[str] = []
    for one in given.get("overrides") or ():
        only(one, ("match", "disabled", "tagOverrides"), "overrides")
        match = one.get("match") or {}
        only(match, ("metric", "mode"), "match")
        metric, mode = (match.get(field, default) for field, default in zip(("metric", "mode"), _EVERY, strict=True))
        if mode != _EVERY[1] or (metric != _EVERY[0] and (metric not in _METRICS or one.get("tagOverrides"))):
            raise Unsayable(f"no neutral field covers what it says of metric {metric} ({mode})")
        if one.get("disabled") and metric == _EVERY[0]:
            made["enabled"] = False
        elif one.get("disabled"):
            disabled.append(_METRICS[metric])
        if tags := one.get("tagOverrides"):
            made["tags"] = _tags(tags)
    return made | ({"disable": sorted(disabled)} if disabled else {})


def _tags(given: Part) -> dict[str, Any]:
    removed = sorted(tag for tag, change in given.items() if change.get("operation") == "REMOVE")
    added = {tag: {"expression": change["value"]} for tag, change in sorted(given.items()) if tag not in removed}
    return ({"add": added} if added else {}) | ({"remove": removed} if removed else {})
