"""Access logs: ``accessLogs`` of the one ProxyDefaults, for all proxies and gateways of the mesh at once. What is not
asked is written empty, since servers keep what nobody mentions in an object that others have a part in.

Source: agent/xds/accesslogs/accesslogs.go, since 1.15.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.consul.kinds import PROXY_DEFAULTS
from reconciler.adapters.consul.names import place_of
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section, tree
from reconciler.adapters.log_lines import request_line
from reconciler.model.canonical import encode
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.workload_intents import TelemetryIntent, WorkloadScope

#: the name that the object has to have
_NAME = "global"
#: nothing of it said: as the mesh has it
UNSAID: Mapping[str, Any] = {"enabled": False, "type": "", "path": "", "textFormat": "", "jsonFormat": ""}
#: as it was asked for, before it was rewritten
_PATH = "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
Native = dict[str, Any]


def emit(intent: MeshIntent) -> Iterable[Built]:
    for asked in intent.telemetry:
        gaps = Gaps(asked=asked.origins)
        if asked.scope == WorkloadScope():
            made = [_proxy_defaults(asked, intent, gaps)]
        else:
            made, told = [], "the mesh has one access log for all its proxies, and none for some of them"
            gaps.error("mesh-inexpressible", told, hint="leave workloads out")
        yield built(made, gaps, asked.origins, intent)


def _proxy_defaults(asked: TelemetryIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    spec = {"accessLogs": {**UNSAID, **_logs(section(tree(asked.leaves), "logs"), gaps)}}
    where, origins = place_of(PROXY_DEFAULTS, intent), (*asked.origins, *asked.inherited)
    return build(intent, PROXY_DEFAULTS, where, _NAME, spec, origins)


def _logs(asked: Mapping[str, Any], gaps: Gaps) -> Native:
    if asked.get("enabled") is False:
        return {}
    named = section(asked, "sinks").items()
    sinks = [(kind, place) for kind, places in sorted(named) for place in sorted(places) or [""]]
    if len(sinks) > 1:
        gaps.error("mesh-inexpressible", "the mesh writes its access log to one place")
    kind, place = sinks[0] if sinks else ("stdout", "")
    if kind not in ("stdout", "file"):
        gaps.error("mesh-inexpressible", f"the mesh has no place of kind {kind} for access logs")
    return {"enabled": True, "type": kind, "path": place} | _format(asked, gaps)


def _format(asked: Mapping[str, Any], gaps: Gaps) -> Native:
    """The mesh's own where none is said, which is JSON."""
    form, fields = asked.get("format"), section(asked, "fields")
    text, entries = request_line(_PATH, fields, gaps)
    if form == "Json":
        return {"jsonFormat": encode(entries)}
    return {"textFormat": text} if form or fields else {}
