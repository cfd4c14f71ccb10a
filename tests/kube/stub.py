"""An HTTP server that answers what a test queues, and otherwise hands the request on to a real API server.

Plain HTTP in front, so a kubeconfig with ``server: http://...`` reaches it; what was asked is in ``requests``.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.kube.control_plane import ApiServer


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def json(cls, body: Any, status: int = 200) -> Answer:
        return cls(status, json.dumps(body).encode())

    @classmethod
    def failure(cls, status: int, message: str, reason: str = "", **headers: str) -> Answer:
        """A Kubernetes Status; ``headers`` with ``_`` for ``-`` (Retry_After="1")."""
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(body | {"code": status}).encode(), {"Content-Type": "application/json"} | named)


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str  # with the query
    headers: Mapping[str, str]
    body: bytes


class StubServer:
    """``queue`` is used up first, then ``answer`` is asked, then ``upstream``; else it answers 404."""

    def __init__(self) -> None:
        self.queue: deque[Answer] = deque()
        self.answer: Callable[[Asked], Answer | None] = lambda _asked: None
        self.upstream: ApiServer | None = None
        self.requests: list[Asked] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
                answer = stub._answer(asked)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def _answer(self, asked: Asked) -> Answer:
        self.requests.append(asked)
        if self.queue:
            return self.queue.popleft()
        if answer := self.answer(asked):
            return answer
        if self.upstream:
            return _forward(self.upstream, asked)
        return Answer(404, b"404 page not found\n", {"Content-Type": "text/plain"})

    def __enter__(self) -> StubServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _forward(server: ApiServer, asked: Asked) -> Answer:
    context = ssl.create_default_context(cafile=str(server.ca))
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=120)
    try:
        kept = {
            k: v for k, v in asked.headers.items() if k.lower() not in ("host", "accept-encoding", "content-length")
        }
        connection.request(asked.method, asked.path, asked.body or None, kept)
        reply = connection.getresponse()
        body = reply.read()
        passed = ("Content-Type", "Retry-After")
        return Answer(reply.status, body, {name: value for name, value in reply.getheaders() if name in passed})
    finally:
        connection.close()
