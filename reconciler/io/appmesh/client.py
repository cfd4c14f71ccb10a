"""Requests to AWS by boto3, which blocks: a few threads of each cluster ask, so that one that hangs holds up no other.

Reads are tried a few times, and so are writes that were throttled, since nothing came of these.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reconciler.io.appmesh.credentials import session_of
from reconciler.io.appmesh.errors import from_answer, from_library
from reconciler.io.kube.bucket import Bucket
from reconciler.io.permit import WRITE_PERMIT
from reconciler.io.secrets import secret, unusable
from reconciler.model.clusters import AwsConnection, ClusterLimits
from reconciler.ports import Absent, ClusterError, Forbidden, Throttled, Unreachable

AT_ONCE = 8
_TRIES = 5
_CONNECT = 5.0  # seconds
_SERVICE = "appmesh"
Answer = Mapping[str, Any]


class Client:
    """Nothing is connected or read before the first request."""

    def __init__(self, connection: AwsConnection, base: Path, limits: ClusterLimits) -> None:
        self._connection, self._base, self._limits = connection, base, limits
        self._bucket = Bucket(limits.qps, limits.burst)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="aws")
        self._lock = threading.Lock()
        self._session: tuple[str, Any] | None = None
        self._appmesh: Any = None
        self._checked = False

    async def ask(self, operation: str, **params: Any) -> Answer:
        """The answer to a question that changes nothing."""
        return await self._tried(operation, params, writes=False)

    async def find(self, operation: str, **params: Any) -> Answer | None:
        """The same; None where it is not there."""
        try:
            return await self.ask(operation, **params)
        except Absent:
            return None

    async def pages(self, operation: str, several: str, **params: Any) -> AsyncIterator[Mapping[str, Any]]:
        """Every item of a list, over all pages."""
        token: dict[str, str] = {}
        while True:
            answer = await self.ask(operation, **params, **token)
            for one in answer.get(several) or ():
                yield one
            if not answer.get("nextToken"):
                return
            token = {"nextToken": answer["nextToken"]}

    async def write(self, operation: str, **params: Any) -> Answer:
        """Asks for the right to write before each try. ServerFailed and Unreachable leave open whether it was done."""
        return await self._tried(operation, params, writes=True)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _tried(self, operation: str, params: Mapping[str, Any], *, writes: bool) -> Answer:
        for attempt in range(1, _TRIES + 1):
            await self._bucket.take()
            if writes:
                WRITE_PERMIT.get()()
            try:
                return await self._sent(operation, params)
            except ClusterError as problem:
                again = isinstance(problem, Throttled) if writes else problem.retryable
                if attempt == _TRIES or not again:
                    raise
                await asyncio.sleep(problem.retry_after or 0.2 * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _sent(self, operation: str, params: Mapping[str, Any]) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.timeout):
                return await loop.run_in_executor(self._threads, self._call, operation, params)
        except TimeoutError as problem:
            raise Unreachable(f"{self.host}: no answer within {self._limits.timeout:g} s") from problem

    @property
    def host(self) -> str:
        """Where App Mesh is asked."""
        return self._connection.endpoint or f"{_SERVICE}.{self._connection.region} of AWS"

    def _call(self, operation: str, params: Mapping[str, Any]) -> Answer:
        return self._asked(self._opened(), operation, params)

    def _asked(self, client: Any, operation: str, params: Mapping[str, Any]) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError  # slow to import, and not every repository needs it

        try:
            answer: Answer = getattr(client, operation)(**params)
        except ClientError as problem:
            raise from_answer(problem.response, problem.operation_name) from None
        except BotoCoreError as problem:
            raise from_library(problem, self.host) from None
        return answer

    def _opened(self) -> Any:
        """Made anew when the file of credentials has changed, so that they can be replaced."""
        place = self._connection.secret
        text = secret(place, self._base) if place else ""
        with self._lock:
            if self._session is None or self._session[0] != text:
                self._session = (text, session_of(self._connection.region, text, self._connection.role))
                self._appmesh, self._checked = None, False
            if self._appmesh is None:
                self._appmesh = self._made(_SERVICE)
            self._check_account()
            return self._appmesh

    def _check_account(self) -> None:
        """Forbidden where the document names another account than the credentials are of; before anything else is asked
        with them."""
        asked = self._connection.account
        if asked and not self._checked:
            found = str(self._asked(self._made("sts"), "get_caller_identity", {})["Account"])
            if found != asked:
                raise Forbidden(f"the credentials are of account {found}, not of {asked}", 403)
            self._checked = True

    def _made(self, service: str) -> Any:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        assert self._session is not None
        config = Config(
            connect_timeout=min(_CONNECT, self._limits.timeout),
            read_timeout=self._limits.timeout,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=AT_ONCE,
            user_agent_extra="mesh-reconciler",
        )
        try:
            return self._session[1].client(service, config=config, endpoint_url=self._endpoint(service))
        except (BotoCoreError, ValueError) as problem:
            raise unusable(f"no client for {service} of AWS: {' '.join(str(problem).split())}") from None

    def _endpoint(self, service: str) -> str | None:
        """That of the document is of the mesh; the library asks the environment for the others."""
        return (self._connection.endpoint or None) if service == _SERVICE else None
