"""Messages to people by Apprise: chat programs, mail, and whatever else it knows an address form for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.model.events import StoredEvent
from reconciler.model.notices import Notice, Weight
from reconciler.ports.channels import ChannelError

SECONDS = 30.0
_KINDS = {Weight.INFO: "info", Weight.WARNING: "warning", Weight.ERROR: "failure"}


@dataclass(frozen=True, slots=True)
class People:
    """``url`` is an address of Apprise, or the first line of ``file``, read anew each time, so that it may change."""

    url: str = field(repr=False)
    file: str = ""

    async def send(self, notice: Notice, events: Sequence[StoredEvent]) -> None:
        """One message; ChannelError when it was not taken. Apprise tells why only in its log, and with the address:
        what is passed on of that is without it."""
        del events
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.to_thread(self._send, notice)
        except TimeoutError:
            raise ChannelError(f"it took longer than {SECONDS:g} s") from None

    def _send(self, notice: Notice) -> None:
        try:
            import apprise
        except ImportError:
            raise ChannelError("messages to people need Apprise: pip install 'mesh-reconciler[notify]'") from None
        outlet = apprise.Apprise.instantiate(self._address(), suppress_exceptions=True)
        if outlet is None:
            raise ChannelError("its `url` is none that Apprise understands")
        told = apprise.Apprise()
        told.add(outlet)
        with apprise.LogCapture(level=apprise.logging.WARNING) as log:
            done = told.notify(notice.body, notice.title, _KINDS[notice.weight], body_format=apprise.NotifyFormat.TEXT)
            said = log.getvalue()
        if not done:
            raise ChannelError("it did not take the message" + _reason(said, outlet.url(privacy=False)))

    def _address(self) -> str:
        if not self.file:
            return self.url
        try:
            return Path(self.file).read_text().strip().split("\n")[0]
        except (OSError, UnicodeDecodeError) as problem:
            raise ChannelError(f"its urlFile cannot be read: {type(problem).__name__}") from problem

    async def close(self) -> None:
        """Nothing stays open."""


def _reason(said: str, address: str) -> str:
    """What the log said last, unless anything of the address is in it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    parts = [part for part in address.replace("?", "/").replace("@", "/").replace(":", "/").split("/") if len(part) > 5]
    if not lines or any(part in lines[0] for part in parts):
        return ""
    return f": {lines[0].rpartition(' - ')[2][:200]}"
