"""What proxies send to of their own accord, at one address: an OpenTelemetry collector, a service for access logs, one
that counts requests, one that is asked about them, and statsd. Each thing that comes is a line of JSON in a file.

All speak as the published definitions have it (opentelemetry-proto, envoy.service.*.v3). What is a scope there was a
library in the version of them that the package ``xds-protos`` has: with the same numbers, so it is the same when sent.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.accesslog.v3 import als_pb2
from envoy.service.auth.v3 import external_auth_pb2
from envoy.service.ratelimit.v3 import rls_pb2
from envoy.type.v3.http_status_pb2 import HttpStatus
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

GRPC_PORT, STATSD_PORT = 4317, 8125
#: how many requests of one kind are let through
LIMIT = 3
_PERMISSION_DENIED = 7
_OTLP = "opentelemetry.proto.collector"


@dataclass
class Receivers:
    """``folder``: where the files are. What is counted begins anew with ``begin``."""

    folder: Path
    _counted: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        self._counted.clear()
        for path in self.folder.glob("*.log"):
            path.unlink()

    def handlers(self) -> Iterator[grpc.GenericRpcHandler]:
        collected = (
            ("metrics.v1.Metrics", metrics_service_pb2.ExportMetricsServiceRequest, self._metrics,
             metrics_service_pb2.ExportMetricsServiceResponse),
            ("logs.v1.Logs", logs_service_pb2.ExportLogsServiceRequest, self._logs,
             logs_service_pb2.ExportLogsServiceResponse),
            ("trace.v1.Trace", trace_service_pb2.ExportTraceServiceRequest, self._spans,
             trace_service_pb2.ExportTraceServiceResponse),
        )  # fmt: skip
        for name, asked, take, answer in collected:
            yield _unary(f"{_OTLP}.{name}Service", "Export", asked, _taking(take, answer))
        counting = "envoy.service.ratelimit.v3.RateLimitService"
        yield _unary(counting, "ShouldRateLimit", rls_pb2.RateLimitRequest, self._limit)
        yield _unary("envoy.service.auth.v3.Authorization", "Check", external_auth_pb2.CheckRequest, self._check)
        stream = grpc.stream_unary_rpc_method_handler(
            self._access_logs,
            request_deserializer=als_pb2.StreamAccessLogsMessage.FromString,
            response_serializer=als_pb2.StreamAccessLogsResponse.SerializeToString,
        )
        logging = "envoy.service.accesslog.v3.AccessLogService"
        yield grpc.method_handlers_generic_handler(logging, {"StreamAccessLogs": stream})

    def statsd(self, text: str) -> None:
        """Counters tell what came since the last time: here they are added up."""
        for line in text.splitlines():
            name, _, value = line.partition(":")
            number, _, kind = value.partition("|")
            if kind.startswith("c"):
                self._counted[f"statsd {name}"] += int(number)
                number = str(self._counted[f"statsd {name}"])
            self._write("statsd", [{"name": name, "kind": kind, "value": number}])

    def _metrics(self, request: Any) -> None:
        for group in request.resource_metrics:
            for metric in (metric for scope in group.instrumentation_library_metrics for metric in scope.metrics):
                data = getattr(metric, metric.WhichOneof("data"))
                self._write("metrics", [
                    {"resource": _attributes(group.resource.attributes), "name": metric.name,
                     "attributes": _attributes(one.attributes),
                     "value": getattr(one, one.WhichOneof("value")) if hasattr(one, "as_int") else one.count}
                    for one in data.data_points
                ])  # fmt: skip

    def _logs(self, request: Any) -> None:
        for group in request.resource_logs:
            records = [record for scope in group.instrumentation_library_logs for record in scope.logs]
            self._write("logs", [
                {"resource": _attributes(group.resource.attributes), "body": _value(record.body)}
                for record in records
            ])  # fmt: skip

    def _spans(self, request: Any) -> None:
        for group in request.resource_spans:
            spans = [span for scope in group.instrumentation_library_spans for span in scope.spans]
            self._write("spans", [
                {"resource": _attributes(group.resource.attributes), "name": span.name, "trace": span.trace_id.hex(),
                 "attributes": _attributes(span.attributes)}
                for span in spans
            ])  # fmt: skip

    async def _access_logs(self, requests: AsyncIterator[Any], _context: Any) -> Any:
        async for request in requests:
            entries = (*request.http_logs.log_entry, *request.tcp_logs.log_entry)
            self._write("access-logs", [MessageToDict(entry, preserving_proto_field_name=True) for entry in entries])
        return als_pb2.StreamAccessLogsResponse()

    async def _limit(self, request: Any, _context: Any) -> Any:
        asked = [{entry.key: entry.value for entry in one.entries} for one in request.descriptors]
        self._write("limits", [{"domain": request.domain, "asked": asked}])
        over = False
        for one in asked:
            name = f"limit {request.domain} {json.dumps(one, sort_keys=True)}"
            self._counted[name] += request.hits_addend or 1
            over = over or self._counted[name] > LIMIT
        codes = rls_pb2.RateLimitResponse
        return rls_pb2.RateLimitResponse(overall_code=codes.OVER_LIMIT if over else codes.OK)

    async def _check(self, request: Any, _context: Any) -> Any:
        """Refuses what says ``x-verdict: deny``, in words of its own; tells the service of the rest that it asked."""
        asked = request.attributes.request.http
        self._write("checks", [{"method": asked.method, "path": asked.path, "headers": dict(asked.headers)}])
        if asked.headers.get("x-verdict") == "deny":
            denied = external_auth_pb2.DeniedHttpResponse(status=HttpStatus(code=403), body="not you")
            return external_auth_pb2.CheckResponse(status=Status(code=_PERMISSION_DENIED), denied_response=denied)
        told = HeaderValueOption(header=HeaderValue(key="x-checked", value="yes"))
        return external_auth_pb2.CheckResponse(
            status=Status(code=0), ok_response=external_auth_pb2.OkHttpResponse(headers=[told])
        )

    def _write(self, kind: str, found: Iterable[Mapping[str, Any]]) -> None:
        with (self.folder / f"{kind}.log").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one, sort_keys=True) + "\n" for one in found)


@asynccontextmanager
async def receiving(address: str, folder: Path) -> AsyncIterator[Receivers]:
    """Until the end of the block."""
    receivers = Receivers(folder)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(tuple(receivers.handlers()))
    assert server.add_insecure_port(f"{address}:{GRPC_PORT}")
    await server.start()
    loop = asyncio.get_running_loop()
    datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(receivers), (address, STATSD_PORT))
    stream = await loop.create_server(lambda: _Lines(receivers), address, STATSD_PORT)
    try:
        yield receivers
    finally:
        stream.close()
        datagrams.close()
        await server.stop(grace=0)


@dataclass
class _Datagrams(asyncio.DatagramProtocol):
    receivers: Receivers

    def datagram_received(self, data: bytes, _sender: Any) -> None:
        self.receivers.statsd(data.decode())


@dataclass
class _Lines(asyncio.Protocol):
    """A connection: what comes may end within a line."""

    receivers: Receivers
    _rest: bytes = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.receivers.statsd(b"\n".join(lines).decode())


def _unary(service: str, method: str, asked: Any, answer: Callable[..., Any]) -> grpc.GenericRpcHandler:
    handler = grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=asked.FromString, response_serializer=lambda message: message.SerializeToString()
    )
    return grpc.method_handlers_generic_handler(service, {method: handler})


def _taking(take: Callable[[Any], None], answer: Any) -> Callable[..., Any]:
    async def taken(request: Any, _context: Any) -> Any:
        take(request)
        return answer()

    return taken


def _attributes(found: Iterable[Any]) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in found}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None
