"""Carries requests to one API server: one session, its rate, its time limit, fresh credentials, retries of reads."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from reconciler import __version__
from reconciler.io.kube.access import Access
from reconciler.io.kube.body import PermittedBytes
from reconciler.io.kube.bucket import Bucket
from reconciler.io.kube.errors import TimedOut, from_answer, from_transport
from reconciler.io.kube.sockets import Sockets
from reconciler.io.permit import WRITE_PERMIT
from reconciler.model.clusters import ClusterLimits
from reconciler.ports import ClusterError, Forbidden, Throttled

TRIES = 4
#: seconds; a server that asks for a longer pause is left to the next run
LONGEST_PAUSE = 10.0
CONNECT_TIMEOUT = 5.0  # seconds; a server that is there takes a connection at once
FAILURE_HOLDS = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is already quoted; ``query`` is not."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    accept: str = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    host: str


class Transport:
    """``load`` finds the credentials, and is called again when they are old or were refused."""

    def __init__(self, load: Callable[[], Awaitable[Access]], limits: ClusterLimits) -> None:
        self._load = load
        self._timeout = limits.timeout
        self._bucket = Bucket(limits.qps, limits.burst)
        self._access: Access | None = None
        self._loading = asyncio.Lock()
        self._failure: tuple[float, ClusterError | None] = (0.0, None)
        self._http: aiohttp.ClientSession | None = None
        self._sockets = Sockets()

    async def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json") -> Answer:
        """A read, tried again a few times where that can help. Raises the ClusterError of the last try."""
        request = Request("GET", path, query or {}, accept=accept)
        return await self._tried(request, lambda error: error.retryable and not isinstance(error, TimedOut))

    @asynccontextmanager
    async def going_on(self, request: Request, silence: float) -> AsyncIterator[AsyncIterator[Answer]]:
        """The lines, as they come, of an answer that goes on until it ends or says nothing for ``silence`` seconds."""
        access = await self._current()
        async with self._sent(request, access, self._limits(silence)) as response:
            if response.status >= 300:
                raise from_answer(response.status, response.headers, await response.read())
            yield _lines(response, access.host)

    async def write(self, request: Request) -> Answer:
        """A write, tried again only when the server throttled it and said for how long: then it has done nothing."""
        return await self._tried(request, lambda error: isinstance(error, Throttled) and error.retry_after > 0)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            await self._sockets.close()
            self._http = None

    async def _tried(self, request: Request, may_retry: Callable[[ClusterError], bool]) -> Answer:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._authorised(request)
            except ClusterError as error:
                if attempt == TRIES or not may_retry(error) or error.retry_after > LONGEST_PAUSE:
                    raise
                await asyncio.sleep(_pause(attempt, error.retry_after))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _authorised(self, request: Request) -> Answer:
        access = await self._current()
        try:
            return await self._exchange(request, access)
        except Forbidden as error:
            if error.status != 401:
                raise
            renewed = await self._renewed(access)
            if renewed.headers == access.headers and renewed.tls is access.tls:
                raise
        return await self._exchange(request, renewed)

    async def _current(self) -> Access:
        if self._access is not None and time.time() < self._access.fresh_until and not self._loading.locked():
            return self._access
        async with self._loading:
            if self._access is None or time.time() >= self._access.fresh_until:
                self._access = await self._loaded()
            return self._access

    async def _loaded(self) -> Access:
        """What waited for credentials together fails together: a plugin that fails is not run for each of them."""
        failed_at, failure = self._failure
        if failure is not None and time.monotonic() - failed_at < FAILURE_HOLDS:
            raise failure
        try:
            return await self._load()
        except ClusterError as error:
            self._failure = (time.monotonic(), error)
            raise

    async def _renewed(self, refused: Access) -> Access:
        """Credentials other than the refused ones where there are any; another task may have fetched them."""
        async with self._loading:
            if self._access is refused:
                loaded = await self._loaded()
                same = loaded.headers == refused.headers and loaded.server == refused.server
                self._access = replace(loaded, tls=refused.tls) if same and loaded.headers else loaded
            assert self._access is not None
            return self._access

    async def _exchange(self, request: Request, access: Access) -> Answer:
        async with self._sent(request, access, self._limits()) as response:
            body = await response.read()
        if response.status >= 300:
            raise from_answer(response.status, response.headers, body)
        return Answer(response.status, body, access.host)

    @asynccontextmanager
    async def _sent(
        self, request: Request, access: Access, limits: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        await self._bucket.take()
        headers = [*access.headers, ("Accept", request.accept)]
        if request.body is not None:
            headers.append(("Content-Type", request.content_type))
        try:
            async with self._session().request(
                request.method,
                URL(f"{access.server}{request.path}?{urlencode(request.query)}".rstrip("?"), encoded=True),
                data=None if request.body is None else PermittedBytes(request.body),
                headers=headers,
                timeout=limits,
                ssl=access.tls or True,
                server_hostname=access.server_name or None,
                proxy=access.proxy or None,
                allow_redirects=False,  # a token must not follow one elsewhere
            ) as response:
                with _aborted_unless_read(response):
                    yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if request.body is not None:
                WRITE_PERMIT.get()()  # the client library only says that it could not send
            raise from_transport(error, access.host, self._timeout) from error

    def _limits(self, silence: float = 0.0) -> aiohttp.ClientTimeout:
        """Of one exchange in all; or, of one that goes on, between what comes."""
        connect = min(CONNECT_TIMEOUT, self._timeout)
        if silence:
            return aiohttp.ClientTimeout(sock_connect=connect, sock_read=silence)
        return aiohttp.ClientTimeout(total=self._timeout, sock_connect=connect)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                # no limit: watches hold theirs, and what is at once is bounded by whoever asks
                connector=aiohttp.TCPConnector(limit=0, socket_factory=self._sockets.new),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"mesh-reconciler/{__version__}"},
                trust_env=False,  # the proxy is in Access; reading the environment for every request costs 5x
            )
        return self._http


async def _lines(response: aiohttp.ClientResponse, host: str) -> AsyncIterator[Answer]:
    rest = b""
    async for chunk in response.content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield Answer(response.status, line, host)


@contextmanager
def _aborted_unless_read(response: aiohttp.ClientResponse) -> Iterator[None]:
    """A connection on which nobody waits any more is ended at once: the polite end of TLS waits for the server."""
    try:
        yield
    finally:
        if response.connection is not None and response.connection.protocol is not None:
            response.connection.protocol.abort()


def _pause(attempt: int, asked: float) -> float:
    """Seconds before the next try: what the server asked for, else doubling; spread, so that tries do not gather."""
    return asked + random.uniform(0, 0.1) if asked else 0.2 * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
