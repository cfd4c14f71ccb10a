"""Who is told of what: routes from audit events to channels, as the Reconciler document has them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from reconciler.model.findings import NOWHERE, Position


class Weight(IntEnum):
    """How much an event matters to people, in order."""

    INFO = 0
    WARNING = 1
    ERROR = 2


#: Words for kinds of events, and the types that each means.
TOPICS = {
    "changes": ("object.*",),
    "failures": ("object.*", "run.failed", "source.halted", "target.unreachable", "target.reached"),
    "drift": ("drift.*",),
    "withheld": ("guard.*",),
    "health": ("health.*",),
    "verdicts": ("verdict.*",),
    "operations": ("target.paused", "target.resumed", "cluster.*", "source.accepted", "audit.*", "identity.*"),
}
DEFAULT_TOPICS = ("failures", "drift", "withheld", "health")


@dataclass(frozen=True, slots=True)
class Notify:
    """``to``: a channel of the daemon's own file, where its address and secrets are. ``on``: topics or event types
    (``drift.*``). ``limit``: a pattern of targets, "" for all; events about no target then still come.
    ``name`` keeps what was sent apart from what others were sent."""

    name: str
    to: str
    on: tuple[str, ...] = DEFAULT_TOPICS
    weight: Weight = Weight.INFO
    limit: str = ""
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: what happened since the one before. ``body`` is plain text."""

    title: str
    body: str
    weight: Weight
