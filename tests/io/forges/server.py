"""A forge on this machine that keeps what it is told, and holds every request and answer against the description that
the forge publishes. What differs between forges is in ``hosts``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.io.forges.described import Description

TOKEN = "s3cr3t-token-of-ours"


def SHA(number: int) -> str:
    """A commit whose first twelve digits are its own."""
    return f"{number:04x}" * 10


MAIN = SHA(0xA0)


@dataclass
class Pull:
    number: int
    title: str = "Route a tenth to v2"
    author: str = "mona"
    head: str = SHA(0xB1)
    source: str = "canary"
    target: str = "main"
    state: str = "open"  # open, closed, merged
    merge: str = ""
    foreign: bool = False


@dataclass
class Note:
    id: int
    pull: int
    author: str
    body: str
    version: int = 0
    kind: str = "comment"  # or what is no comment of people: "system", "deleted"


@dataclass
class Entry:
    number: int
    title: str
    body: str
    labels: list[str]
    open: bool = True
    pull: bool = False


@dataclass
class State:
    account: str = "reconciler-bot"
    pulls: dict[int, Pull] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=lambda: {"main": MAIN})
    labels: list[str] = field(default_factory=list)

    def note(self, pull: int, body: str, author: str = "", kind: str = "comment") -> Note:
        made = Note(1000 + len(self.notes), pull, author or self.account, body, 0, kind)
        self.notes.append(made)
        return made

    def notes_of(self, pull: int) -> list[Note]:
        if pull not in self.pulls:
            raise Refusal(404, "Not Found")
        return [note for note in self.notes if note.pull == pull]

    def found(self, number: int) -> Note:
        for note in self.notes:
            if note.id == number:
                return note
        raise Refusal(404, "Not Found")

    def entry(self, title: str, body: str, labels: list[str]) -> Entry:
        made = Entry(70 + len(self.entries), title, body, labels)
        self.entries[made.number] = made
        return made


class Refusal(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass
class Fault:
    """What the next request that fits is answered with. ``done``: it is carried out all the same."""

    status: int
    fits: str = ""
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    words: str = "no"
    done: bool = False


@dataclass
class Call:
    """``params`` are the places of the path."""

    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


Answer = tuple[int, Any]
Handler = Callable[[Any, Call], Answer]


def on(method: str, path: str) -> Callable[[Handler], Handler]:
    """Marks what answers an operation of the description."""

    def marked(handler: Handler) -> Handler:
        handler.answers = (method, path)  # type: ignore[attr-defined]
        return handler

    return marked


class Host:
    """``url`` is its address once it runs. ``problems`` is what did not fit the description."""

    prefix = ""
    page_size = 100
    most_words = 0
    described: Description

    def __init__(self) -> None:
        self.state = State()
        self.faults: list[Fault] = []
        self.problems: list[str] = []
        self.asked: list[str] = []
        self.seen: list[Mapping[str, str]] = []
        self.url = ""
        self._runner: web.AppRunner | None = None
        handlers = [getattr(type(self), name) for name in dir(type(self))]
        self._handlers = {each.answers: each for each in handlers if hasattr(each, "answers")}

    async def start(self, tls: Any = None) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def allowed(self, headers: Mapping[str, str]) -> bool:
        return headers.get("Authorization") == f"Bearer {TOKEN}"

    def error(self, status: int, words: str) -> Any:
        return {"message": words}

    def beside(self, method: str, path: str, body: bytes | None) -> Any:
        """An answer to what is no part of the description."""
        return None

    def extra_headers(self) -> dict[str, str]:
        return {}

    def paged(self, path: str, items: list[Any], query: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
        """One page and the Link header to the next, by ``page`` and ``per_page``."""
        size = min(int(query.get("per_page") or query.get("limit") or 30), self.page_size)
        page = int(query.get("page", 1))
        shown = items[(page - 1) * size : page * size]
        if page * size >= len(items):
            return shown, {}
        rest = "&".join(f"{key}={value}" for key, value in {**query, "page": page + 1}.items())
        # forges behind a proxy call themselves by other names than we do
        return shown, {
            "Link": f'<https://other.example{self.prefix}{path}?{rest}>; rel="next", <https://x/>; rel="last"'
        }

    async def _handle(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path.removeprefix(self.prefix)
        body = await request.read() or None
        self.asked.append(f"{request.method} {path}")
        self.seen.append(dict(request.headers))
        fault = self._fault(f"{request.method} {path}")
        if fault and not fault.done:
            return self._refused(fault.status, fault.words, fault.headers)
        if not self.allowed(request.headers):
            return self._refused(401, f"Bad credentials {request.headers.get('Authorization', '')} {TOKEN}")
        if (answer := self.beside(request.method, path, body)) is not None:
            return web.json_response(answer)
        wrong = list(self.described.wrong_in_request(request.method, path, request.query, body))
        self.problems += wrong
        if wrong:
            return self._refused(400, wrong[0])
        carried_out = self._answer(request.method, path, request.query, body)
        return self._refused(fault.status, fault.words, fault.headers) if fault else carried_out

    def _answer(self, method: str, path: str, query: Mapping[str, str], body: bytes | None) -> web.Response:
        known = self.described.operation(method, path)
        assert known is not None
        handler = self._handlers[(method, known[0])]
        try:
            status, data = handler(self, Call(known[1], query, json.loads(body) if body else None))
        except Refusal as refusal:
            return self._refused(refusal.status, str(refusal))
        headers = self.extra_headers()
        if isinstance(data, Paged):
            data, more = self.paged(path, data.items, query)
            headers |= more
        text = b"" if data is None else json.dumps(data).encode()
        self.problems += self.described.wrong_in_answer(method, path, status, text or None)
        return web.Response(status=status, body=text, content_type="application/json", headers=headers)

    def _fault(self, asked: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.fits, asked):
                fault.times -= 1
                return fault
        return None

    def _refused(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
        body = json.dumps(self.error(status, words)).encode()
        return web.Response(status=status, body=body, content_type="application/json", headers=dict(headers or {}))


@dataclass
class Paged:
    items: list[Any]
