"""A TCP proxy that can fail in the ways of a network; TLS passes through it untouched.

It runs in a thread of its own, so it serves tests that block as well as asynchronous ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from types import TracebackType


class FaultProxy:
    """``mode``: pass, refuse (reset at once), black-hole (accept, then silence), cut (reset in mid-answer).

    ``delay`` seconds come before each answer; ``cut_after`` is the number of bytes that mode cut lets through per
    connection; ``connections`` counts those accepted. All may be changed while it runs.
    """

    def __init__(self, host: str, port: int) -> None:
        self.upstream = (host, port)
        self.mode = "pass"
        self.delay = 0.0
        self.cut_after = 0
        self.connections = 0
        self.port = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            task = asyncio.ensure_future(self._connection(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accepted, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        open_tasks = list(tasks)
        for task in open_tasks:
            task.cancel()
        for writer in self._writers:
            writer.transport.abort()  # also where nobody reads any more, and where its task had not begun
        await asyncio.gather(*open_tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.mode == "black-hole":
                await asyncio.Event().wait()
            elif self.mode != "refuse":
                await self._relay(reader, writer)
        finally:
            if self.mode in ("refuse", "cut"):
                _reset(writer)
            await self._end(writer)

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self._writers.discard(writer)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        self._writers.add(up_writer)
        try:
            ways = [asyncio.ensure_future(self._send(reader, up_writer))]
            ways.append(asyncio.ensure_future(self._answer(up_reader, writer)))
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            await self._end(up_writer)

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await reader.read(4096):
            await asyncio.sleep(self.delay)
            if self.mode == "cut":
                data = data[: max(0, self.cut_after - passed)]
            passed += len(data)
            writer.write(data)
            await writer.drain()
            if self.mode == "cut" and passed >= self.cut_after:
                await asyncio.sleep(0.05)  # so that the bytes arrive before the reset
                return


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is closed already
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
