"""Talks HTTP to one forge: one session, proof of who asks, retries of what may be repeated, pages, bounded answers."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import orjson
from yarl import URL

from reconciler import __version__
from reconciler.io.forges.access import Access, Proof, Prove
from reconciler.io.forges.errors import NotSent, from_answer, from_transport
from reconciler.io.kube.access import proxy_for
from reconciler.ports import ClusterError
from reconciler.ports.forge import ForgeConflict, ForgeError, ForgeForbidden, ForgeThrottled, ForgeUnreachable

TRIES = 4
FIRST_PAUSE = 0.3  # seconds, doubling
#: seconds; a forge that asks for a longer pause is left to whoever asked
LONGEST_PAUSE = 30.0
LARGEST_ANSWER = 32 * 1024 * 1024
#: more than any list that we ask for has; a forge whose pages go in a circle is found by it
MOST_PAGES = 1000
PAGE_SIZE = 100


Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Ask:
    """``path`` begins after the API's address and is quoted already. What is not ``repeatable`` is sent again only when
    the forge has certainly not carried it out. ``races``: a conflict is one of two requests at once, and passes."""

    method: str
    path: str
    query: Query = field(default_factory=dict)
    body: Any = None
    repeatable: bool = True
    races: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    data: Any


class Http:
    """``api`` is the address that paths are added to, ``name`` how messages call the repository. Nothing is connected
    before the first request; belongs to one event loop, ``close`` it there."""

    def __init__(self, api: str, name: str, prove: Prove, access: Access) -> None:
        self._api = api
        self._name = name
        self._prove = prove
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, **query: str | int) -> Any:
        return (await self.ask(Ask("GET", path, query))).data

    async def ask(self, ask: Ask) -> Answer:
        """One request, tried again where that can help. The ForgeError of the last try."""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._proved(ask)
            except ForgeError as error:
                if attempt == TRIES or not _may_repeat(ask, error) or error.retry_after > LONGEST_PAUSE:
                    raise
                await asyncio.sleep(_pause(attempt, error.retry_after))
        raise AssertionError("the last try returns or raises")

    async def pages(self, ask: Ask) -> AsyncIterator[Any]:
        """The items of all pages of a list, as ``Link: <…>; rel="next"`` leads from one to the next."""
        for _page in range(MOST_PAGES):
            answer = await self.ask(ask)
            for item in listed(answer.data, self._name):
                yield item
            if not (following := linked(answer.headers.get("Link", ""))):
                return
            ask = self.following(ask, following)
        raise self.endless()

    def following(self, ask: Ask, url: str) -> Ask:
        """The request for a page that the forge named. Only its path and query are taken: it may call itself by
        another name than we do, and the token goes nowhere else."""
        parts = urlsplit(url)
        base = urlsplit(self._api).path
        path = parts.path.removeprefix(base) if parts.path.startswith(f"{base}/") else ask.path
        return replace(ask, path=path, query=dict(parse_qsl(parts.query, keep_blank_values=True)))

    def endless(self) -> ForgeError:
        return ForgeError(f"{self._name}: a list of more than {MOST_PAGES} pages")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _proved(self, ask: Ask) -> Answer:
        proof = await self._prove(False)
        try:
            return await self._exchange(ask, proof)
        except ForgeForbidden as error:
            if error.status != 401:
                raise
            renewed = await self._prove(True)
            if renewed.headers == proof.headers:
                raise
        return await self._exchange(ask, renewed)

    async def _exchange(self, ask: Ask, proof: Proof) -> Answer:
        address = f"{self._api}{ask.path}" + (f"?{urlencode(ask.query)}" if ask.query else "")
        try:
            async with self._opened().request(
                ask.method,
                URL(address, encoded=True),
                data=None if ask.body is None else orjson.dumps(ask.body),
                headers={**proof.headers, **({} if ask.body is None else {"Content-Type": "application/json"})},
                proxy=self._proxy(),
                allow_redirects=False,  # a token must not follow one elsewhere
            ) as response:
                body = await self._read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise from_transport(self._name, error, self._access.timeout) from None  # its cause may hold the token
        if not 200 <= response.status < 300:
            raise from_answer(self._name, response.status, response.headers, body, proof.secrets)
        return Answer(response.status, response.headers, self._decoded(body))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        chunks = bytearray()
        async for chunk in response.content.iter_any():
            chunks += chunk
            if len(chunks) > LARGEST_ANSWER:
                response.close()
                raise ForgeError(f"{self._name}: an answer of more than {LARGEST_ANSWER} bytes")
        return bytes(chunks)

    def _decoded(self, body: bytes) -> Any:
        if not body.strip():
            return None
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ForgeUnreachable(f"{self._name}: it does not answer in JSON; is its address right?") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=8, ssl=self._tls()),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"mesh-reconciler/{__version__}", "Accept": "application/json"},
                timeout=aiohttp.ClientTimeout(total=self._access.timeout),
                trust_env=False,  # ~/.netrc would add credentials of its own; the proxy is looked up below
            )
        return self._session

    def _tls(self) -> ssl.SSLContext | bool:
        if self._access.ca_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=self._access.ca_file.expanduser())
        except (OSError, ssl.SSLError) as error:
            raise ForgeError(f"{self._name}: the CA file {self._access.ca_file} cannot be used: {error}") from error

    def _proxy(self) -> str | None:
        try:
            return proxy_for(self._api) or None
        except ClusterError as error:
            raise ForgeError(f"{self._name}: {error}") from error


def listed(data: Any, name: str) -> list[Any]:
    if not isinstance(data, list):
        raise ForgeUnreachable(f"{name}: it answers with something else where a list was asked for")
    return data


def linked(header: str) -> str:
    """The address with ``rel="next"`` in a Link header (RFC 8288); "" for none."""
    for part in header.split(","):
        address, *parameters = part.split(";")
        if any(parameter.strip().replace('"', "") == "rel=next" for parameter in parameters):
            return address.strip().strip("<>")
    return ""


def _may_repeat(ask: Ask, error: ForgeError) -> bool:
    if isinstance(error, ForgeThrottled):
        return True  # a limit is checked before anything is done
    if isinstance(error, ForgeConflict):
        return ask.races
    return error.retryable and (ask.repeatable or isinstance(error, NotSent))


def _pause(attempt: int, asked: float) -> float:
    """Seconds before the next try: what the forge asked for, else doubling; spread, so that tries do not gather."""
    return asked + random.uniform(0, 0.1) if asked else FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
