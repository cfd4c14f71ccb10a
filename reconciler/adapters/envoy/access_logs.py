"""Access logs that policies ask for: where they go, of which requests or connections, and how they read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.envoy.collectors import Collectors
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.strings import string_matcher
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section
from reconciler.adapters.log_lines import connection_line, request_line
from reconciler.adapters.proxy_parts import share
from reconciler.model.rules import Leaf

_LOGGERS = "envoy.extensions.access_loggers"
_EXPRESSION = "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
_CODES = re.compile(r"(?P<sign>>=|<=|>|<)?(?P<code>\d{3})|(?P<first>\d{3})-(?P<last>\d{3})")
_SEES_REQUESTS = ("statusCodes", "headers", "expression")
#: as it was asked for, before it was rewritten
_PATH = "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Logging:
    """What the ``logs`` of a policy say, and the ``leaves`` that say where they go. ``who``: whose proxy it is."""

    asked: Mapping[str, Any]
    leaves: tuple[Leaf, ...]
    who: str

    @property
    def fields(self) -> Mapping[str, Any]:
        return section(self.asked, "fields")

    @property
    def is_json(self) -> bool:
        return self.asked.get("format") == "Json"


def of_requests(logging: Logging, to: Collectors) -> list[Native]:
    line = request_line(_PATH, logging.fields, to.gaps)
    return _logs(logging, _filters(logging.asked, to.gaps), lambda leaf: _logger(leaf, logging, line, to, "Http"))


def of_connections(logging: Logging, to: Collectors) -> list[Native]:
    """None where a filter is about requests."""
    if any(name in section(logging.asked, "filter") for name in _SEES_REQUESTS):
        return []
    line = connection_line(logging.fields, to.gaps)
    return _logs(logging, _filters(logging.asked, to.gaps), lambda leaf: _logger(leaf, logging, line, to, "Tcp"))


def _logs(logging: Logging, filters: list[Native], made: Callable[[Leaf | None], Native]) -> list[Native]:
    """One for each place; to the standard output where none is named."""
    if not logging.asked or logging.asked.get("enabled") is False:
        return []
    named: list[Leaf] = sorted(logging.leaves, key=lambda one: (one.path, one.key))
    places: list[Leaf | None] = [*named] or [None]
    chosen = {"filter": filters[0] if len(filters) == 1 else {"and_filter": {"filters": filters}}} if filters else {}
    return [{"name": "reconciler.telemetry", **chosen, "typed_config": made(leaf)} for leaf in places]


def _logger(leaf: Leaf | None, logging: Logging, line: tuple[str, Native], to: Collectors, seen: str) -> Native:
    text, entries = line
    written = {"json_format": entries} if logging.is_json else {"text_format_source": {"inline_string": f"{text}\n"}}
    kind = leaf.path.rpartition(".")[2] if leaf else "stdout"
    if leaf is None or kind == "stdout":
        return typed(f"{_LOGGERS}.stream.v3.StdoutAccessLog", log_format=written)
    if kind == "file":
        return typed(f"{_LOGGERS}.file.v3.FileAccessLog", path=leaf.key, log_format=written)
    sent = {"log_name": "reconciler", "transport_api_version": "V3", "grpc_service": to.grpc(leaf.key, leaf)}
    if kind == "otlp":
        return _otlp(sent, text, entries, logging)
    return _service(sent, logging, seen)


def _otlp(sent: Native, text: str, entries: Native, logging: Logging) -> Native:
    body = {"kvlist_value": _list_of(entries)} if logging.is_json else {"string_value": text}
    named = {"values": [{"key": "service.name", "value": {"string_value": logging.who}}]}
    return typed(
        f"{_LOGGERS}.open_telemetry.v3.OpenTelemetryAccessLogConfig",
        common_config=sent,
        body=body,
        resource_attributes=named,
    )


def _list_of(entries: Mapping[str, Any]) -> Native:
    return {"values": [{"key": key, "value": _value(value)} for key, value in entries.items()]}


def _value(value: Any) -> Native:
    return {"kvlist_value": _list_of(value)} if isinstance(value, dict) else {"string_value": value}


def _service(sent: Native, logging: Logging, seen: str) -> Native:
    """Entries of this service have a form of their own, that takes more fields."""
    fields = logging.fields
    if states := fields.get("filterState"):
        sent = {**sent, "filter_state_objects_to_log": list(states)}
    found = typed(f"{_LOGGERS}.grpc.v3.{seen}GrpcAccessLogConfig", common_config=sent)
    if seen == "Http":
        for name, native in (("requestHeaders", "request_headers"), ("responseHeaders", "response_headers"),
                             ("trailers", "response_trailers")):  # fmt: skip
            if fields.get(name):
                found[f"additional_{native}_to_log"] = [str(one).lower() for one in fields[name]]
    return found


def _filters(asked: Mapping[str, Any], gaps: Gaps) -> list[Native]:
    """All of which must hold."""
    chosen = section(asked, "filter")
    found = [_share(asked["percent"])] if "percent" in asked else []
    if "statusCodes" in chosen:
        found += _codes(str(chosen["statusCodes"]))
    if "minLatency" in chosen:
        milliseconds = ceil((seconds(chosen["minLatency"]) or 0) * 1000)
        found.append({"duration_filter": {"comparison": _compared("GE", milliseconds, "duration")}})
    found += [{"header_filter": {"header": _header(one, gaps)}} for one in chosen.get("headers", ())]
    if "expression" in chosen:
        config = typed(_EXPRESSION, expression=str(chosen["expression"]))
        named = {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": config}
        found.append({"extension_filter": named})
    return found


def _share(percent: Any) -> Native:
    sampled = {"percent_sampled": share(percent), "use_independent_randomness": True}
    return {"runtime_filter": {"runtime_key": "reconciler.logs.percent", **sampled}}


def _codes(text: str) -> Iterator[Native]:
    found = _CODES.fullmatch(text)
    if found is None:  # the schema lets no other through
        raise ValueError(f"no status codes: {text!r}")
    if found["code"] is None:
        bounds = [("GE", int(found["first"])), ("LE", int(found["last"]))]
    else:
        code = int(found["code"])
        bounds = [{">=": ("GE", code), "<=": ("LE", code), ">": ("GE", code + 1), "<": ("LE", code - 1)}.get(
            found["sign"] or "", ("EQ", code))]  # fmt: skip
    for sign, code in bounds:
        yield {"status_code_filter": {"comparison": _compared(sign, code, "status")}}


def _compared(sign: str, value: int, what: str) -> Native:
    return {"op": sign, "value": {"default_value": value, "runtime_key": f"reconciler.logs.{what}"}}


def _header(header: Mapping[str, Any], gaps: Gaps) -> Native:
    """A header that is not there differs from every value, which is what ``invert`` asks."""
    name, inverted = str(header["name"]).lower(), header.get("invert") is True
    if header.get("present"):
        return {"name": name, "present_match": not inverted}
    kind = next(kind for kind in ("exact", "prefix", "suffix", "regex") if kind in header)
    if not header[kind] and (inverted or kind != "exact"):
        gaps.error("mesh-inexpressible", f"an empty {kind} of header {name!r} says nothing")
    absent = {"invert_match": True, "treat_missing_header_as_empty": True} if inverted else {}
    return {"name": name, "string_match": string_matcher(kind, str(header[kind])), **absent}
