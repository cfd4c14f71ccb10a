"""Audit events to machines: CloudEvents 1.0 over HTTP, each event a request in structured mode, in their order.

Source: CloudEvents 1.0.2, HTTP Protocol Binding, section 3.2; HTTP 1.1 Web Hooks for Event Delivery, section 2.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import orjson

from reconciler.model.events import StoredEvent
from reconciler.model.notices import Notice
from reconciler.ports.channels import ChannelError
from reconciler.report.events import cloudevent

TYPE = "application/cloudevents+json; charset=utf-8"
SECONDS = 15.0


@dataclass(slots=True)
class CloudEvents:
    """``source`` names this installation. ``token_file`` holds a bearer token, read anew with each message."""

    url: str = field(repr=False)
    source: str
    token_file: str = ""
    ca_file: str = ""
    _session: aiohttp.ClientSession | None = None

    async def send(self, notice: Notice, events: Sequence[StoredEvent]) -> None:
        """ChannelError at the first one that is not taken; its ``taken`` are those before it."""
        del notice
        headers = {"Content-Type": TYPE, **self._authorization()}
        for number, event in enumerate(events):
            try:
                await self._post(orjson.dumps(cloudevent(event, self.source)), headers)
            except (aiohttp.ClientError, TimeoutError, OSError) as problem:
                raise ChannelError(f"{self._host} did not answer: {type(problem).__name__}", number) from problem
            except ChannelError as problem:
                raise ChannelError(str(problem), number) from None

    async def _post(self, body: bytes, headers: dict[str, str]) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))
        async with self._session.post(
            self.url, data=body, headers=headers, allow_redirects=False, ssl=self._trust()
        ) as answer:
            if answer.status >= 300:
                raise ChannelError(f"{self._host} answered {answer.status}")

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def _authorization(self) -> dict[str, str]:
        if not self.token_file:
            return {}
        try:
            return {"Authorization": f"Bearer {Path(self.token_file).read_text().strip()}"}
        except (OSError, UnicodeDecodeError) as problem:
            raise ChannelError(f"its tokenFile cannot be read: {type(problem).__name__}") from problem

    def _trust(self) -> ssl.SSLContext | bool:
        try:
            return ssl.create_default_context(cafile=self.ca_file) if self.ca_file else True
        except OSError as problem:
            raise ChannelError(f"its caFile cannot be read: {type(problem).__name__}") from problem

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
