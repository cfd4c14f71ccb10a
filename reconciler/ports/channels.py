"""Where notifications go, as a Protocol. Implementations are in ``reconciler.io.notify``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.model.events import StoredEvent
from reconciler.model.notices import Notice
from reconciler.ports import OutsideError


class ChannelError(OutsideError):
    """It did not take what was sent; ``taken`` events of those given it has taken. Tried again with the next round."""

    retryable = True

    def __init__(self, message: str, taken: int = 0) -> None:
        super().__init__(message)
        self.taken = taken


class Channel(Protocol):
    async def send(self, notice: Notice, events: Sequence[StoredEvent]) -> None:
        """Tell people of the notice, or machines of its events, oldest first; ChannelError when that failed."""

    async def close(self) -> None: ...
