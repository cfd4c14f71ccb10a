"""Webhooks of a forge: whoever knows the secret may make the daemon look at once. A delivery never says what to do.

Bounded in everything before a signature is looked at: how many at once, how often, how large, how slow. A delivery that
comes twice is taken once.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from reconciler.daemon.rounds import Round
from reconciler.daemon.web import bind
from reconciler.model.forges import Delivery
from reconciler.ports.forge import DeliveryRefused

PATH = "/hooks"
LARGEST = 8 * 1024 * 1024  # bytes; forges cut theirs at 25 MB, and what is used of them is small
SLOWEST = 10.0  # seconds for a body to come
MOST_AT_ONCE = 16
PER_SECOND = 20.0
BURST = 60.0
REMEMBERED = 10_000  # bodies of deliveries, by hash

#: Headers and body to what they tell, several things where a push moved several branches; DeliveryRefused when the
#: signature is wrong or it cannot be read.
Parse = Callable[[Mapping[str, str], bytes], Sequence[Delivery]]


@dataclass
class Hooks:
    """``take`` gets each delivery once and returns at once. ``now``: seconds, of a clock that only goes on."""

    parse: Parse
    take: Callable[[Delivery], None]
    log: Any
    counted: Callable[[str], None]
    now: Callable[[], float] = time.monotonic
    _seen: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    _allowance: float = BURST
    _since: float | None = None
    _reading: int = 0

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post(PATH, self._post)
        app.router.add_post(PATH + "/", self._post)
        return app

    async def _post(self, request: web.Request) -> web.Response:
        status, words = await self._answer(request)
        self.counted(str(status))
        later = {"Retry-After": "5"} if status in (429, 503) else {}
        response = web.Response(status=status, text=words + "\n", headers=later)
        if status == 413:
            response.force_close()  # what else of it comes is not read
        return response

    async def _answer(self, request: web.Request) -> tuple[int, str]:
        if not self._may():
            return 429, "too many deliveries"
        if self._reading >= MOST_AT_ONCE:
            return 503, "too many deliveries at once"
        if (request.content_length or 0) > LARGEST:
            return 413, f"a delivery may have {LARGEST} bytes"
        self._reading += 1
        try:
            async with asyncio.timeout(SLOWEST):
                body = await request.read()
        except TimeoutError:
            return 408, f"it did not come within {SLOWEST:g} s"
        except web.HTTPRequestEntityTooLarge:
            return 413, f"a delivery may have {LARGEST} bytes"
        finally:
            self._reading -= 1
        return self._taken(request, body)

    def _taken(self, request: web.Request, body: bytes) -> tuple[int, str]:
        try:
            told = self.parse(request.headers, body)
        except DeliveryRefused as refused:
            self.log.warning("webhook refused", why=str(refused), peer=request.remote)
            return refused.status or 401, "refused"
        digest = hashlib.sha256(body).digest()  # not the id of a delivery, which no signature covers
        if digest in self._seen:
            return 200, "had that already"
        self._seen[digest] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        for delivery in told:
            self.take(delivery)
        return 202, "taken"

    def _may(self) -> bool:
        """A bucket of tokens for all senders: before the signature nobody can be told from anybody."""
        now = self.now()
        passed = 0.0 if self._since is None else now - self._since
        self._allowance = min(BURST, self._allowance + PER_SECOND * passed)
        self._since = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


@dataclass
class HookServer:
    """An observer of the daemon that serves ``/hooks`` at HOST:PORT."""

    address: str
    hooks: Hooks
    log: Any
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        self._runner = web.AppRunner(self.hooks.app(), access_log=None)
        await self._runner.setup()
        await bind(self._runner, self.address)
        self.log.info("webhooks are taken", port=self._runner.addresses[0][1], path=PATH)

    def after(self, done: Round) -> None:
        """Nothing to be done."""

    async def close(self, seconds: float) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
