"""Requests to one Consul server: token, authority, limits, and what an error of it becomes.

Consul answers 500 to what it refuses as well as to what it could not do, so the two are told apart by its words.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from reconciler.io.kube.bucket import Bucket
from reconciler.io.permit import WRITE_PERMIT
from reconciler.io.secrets import secret, unusable
from reconciler.model.clusters import ApiConnection, ClusterLimits
from reconciler.ports import Absent, ClusterError, Forbidden, Rejected, ServerFailed, Throttled, Unreachable

#: words of a server that may be able to do later what it could not do now
_LATER = (
    "no cluster leader", "leadership", "raft", "rpc error making call: eof", "connection re", "timeout", "timed out",
    "no path to datacenter", "no known consul servers", "i/o", "broken pipe", "node is not the leader",
)  # fmt: skip
_CONNECT = 5.0  # seconds
_LONGEST_ANSWER = 400
#: a header by which newer servers say that the token did not let all of a list through
FILTERED = "X-Consul-Results-Filtered-By-ACLs"


class Client:
    """Nothing is connected or read before the first request."""

    def __init__(self, connection: ApiConnection, base: Path, limits: ClusterLimits) -> None:
        self._connection, self._base = connection, base
        self._bucket = Bucket(limits.qps, limits.burst)
        self._timeout = aiohttp.ClientTimeout(total=limits.timeout, connect=min(_CONNECT, limits.timeout))
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, **query: str) -> Any:
        """What lies there; None for 404."""
        try:
            return (await self._asked(path, query))[0]
        except Absent:
            return None

    async def whole(self, path: str) -> tuple[Any, bool]:
        """A list, and whether the token sees all of it, as far as the server tells."""
        return await self._asked(path, {})

    async def write(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Asks for the right to write first. ServerFailed and Unreachable leave open whether it was done."""
        await self._bucket.take()
        WRITE_PERMIT.get()()
        return (await self._sent(method, path, query, body))[0]

    async def ask(self, path: str, body: Any) -> Any:
        """A question that takes a body and changes nothing."""
        await self._bucket.take()
        return (await self._sent("POST", path, {}, body))[0]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _asked(self, path: str, query: Mapping[str, str]) -> tuple[Any, bool]:
        await self._bucket.take()
        return await self._sent("GET", path, query, None)

    async def _sent(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[Any, bool]:
        url = f"{self._connection.address.rstrip('/')}/v1/{path}"
        data = None if body is None else orjson.dumps(body)
        try:
            session = self._opened()
            headers = self._headers()
            params = {**self._scope(), **query}
            async with session.request(
                method, url, params=params, data=data, headers=headers, allow_redirects=False
            ) as answer:
                text = await answer.text()
                cut = answer.headers.get(FILTERED, "").lower() == "true"
                status, wait = answer.status, answer.headers.get("Retry-After", "")
        except TimeoutError as error:
            raise Unreachable(f"{self._connection.address}: no answer within {self._timeout.total:g} s") from error
        except aiohttp.ClientError as error:
            raise Unreachable(f"{self._connection.address}: {error or type(error).__name__}") from error
        if status >= 400:
            raise error_of(status, text, float(wait) if wait.isdigit() else 0.0)
        return _decoded(text), not cut

    def _scope(self) -> dict[str, str]:
        asked = {"dc": self._connection.datacenter, "partition": self._connection.partition}
        return {name: value for name, value in asked.items() if value}

    def _headers(self) -> dict[str, str]:
        """The token is read anew for each request, so that it can be replaced."""
        token = secret(self._connection.token, self._base) if self._connection.token else ""
        return {"X-Consul-Token": token} if token else {}

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls: ssl.SSLContext | bool = self._authority() if self._connection.ca else True
            self._session = aiohttp.ClientSession(timeout=self._timeout, connector=aiohttp.TCPConnector(ssl=tls))
        return self._session

    def _authority(self) -> ssl.SSLContext:
        assert self._connection.ca is not None
        try:
            return ssl.create_default_context(cadata=secret(self._connection.ca, self._base))
        except ssl.SSLError as error:
            raise unusable(f"the authority in {self._connection.ca.place}: {error.reason or error}") from error


def error_of(status: int, text: str, wait: float = 0.0) -> ClusterError:
    """What an answer of a server becomes, in the words of the server."""
    words = " ".join(text.split())[:_LONGEST_ANSWER] or f"HTTP {status}"
    match status:
        case 401 | 403:
            return Forbidden(words, status)
        case 404:
            return Absent(words, status)
        case 429:
            return Throttled(words, status, wait)
        case 500 if not any(known in words.lower() for known in _LATER):
            return Forbidden(words, 403) if "permission denied" in words.lower() else Rejected(words, status)
        case _ if status >= 500:
            return ServerFailed(words, status, wait)
    return Rejected(words, status)


def _decoded(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ServerFailed(f"not an answer of this API: {text[:80]!r}") from error
