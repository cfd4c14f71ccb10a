"""The real ``git http-backend`` behind a small HTTP or HTTPS server that can also misbehave."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.self_signed import self_signed


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below a folder. Its attributes say how."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.login: tuple[str, str] | None = None
        self.delay = 0.0
        self.status = 0
        self.redirect = ""
        self.cut_after = 0
        self.seen: list[tuple[str, str, bytes]] = []  # method and path, Authorization, body

    @property
    def url(self) -> str:
        scheme = "https" if isinstance(self.socket, ssl.SSLSocket) else "http"
        return f"{scheme}://127.0.0.1:{self.server_port}/upstream/.git"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        server, given = self.server, self.headers.get("Authorization", "")
        server.seen.append((f"{self.command} {self.path}", given, body))
        time.sleep(server.delay)
        if server.login and given != "Basic " + base64.b64encode(":".join(server.login).encode()).decode():
            return self._plain(401, ("WWW-Authenticate", 'Basic realm="git"'))
        if server.redirect:
            return self._plain(302, ("Location", server.redirect + self.path))
        if server.status:
            return self._plain(server.status)
        return self._backend(body)

    def _plain(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()

    def _backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        cut = self.server.cut_after and b"command=fetch" in body
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.cut_after] if cut else content)

    def log_message(self, *_: object) -> None:
        """Quiet: what was asked is in ``seen``."""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., GitServer]]:
    """Start servers on the test's folder; all end with the test."""
    running: list[tuple[GitServer, threading.Thread]] = []

    def start(context: ssl.SSLContext | None = None) -> GitServer:
        server = GitServer(tmp_path)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(serve, upstream) -> GitServer:
    """An HTTP server with one repository of one commit."""
    return serve()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """(file of a certificate authority, a server's context with a certificate by it)."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, context = self_signed("test authority")
    (folder / "ca.pem").write_bytes(certificate)
    return folder / "ca.pem", context
