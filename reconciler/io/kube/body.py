"""The body of a request, which asks for the right to write in the very step that sends it."""

from __future__ import annotations

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from reconciler.io.permit import WRITE_PERMIT


class PermittedBytes(aiohttp.BytesPayload):
    """By now the connection is there, and the headers wait to be sent with the body: nothing was sent when it raises.

    Between the check and the system call there is no other task's turn, so no more than one request of a process that
    is stopped in just that moment can go out late.
    """

    async def write(self, writer: AbstractStreamWriter) -> None:
        WRITE_PERMIT.get()()
        await super().write(writer)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        WRITE_PERMIT.get()()
        await super().write_with_length(writer, content_length)
