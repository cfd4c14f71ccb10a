"""The right of one writer, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write under a name until a time. ``token`` only grows per name, whoever holds it.

    ``holder`` says who (host:pid); it is "" for a lease that nobody holds any more.
    """

    name: str
    holder: str
    token: int
    until: datetime
