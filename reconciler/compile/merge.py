"""What one policy asks of one service, and who holds where several ask for different things (docs/api.md, conflict)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.compile.ages import oldest
from reconciler.compile.backends import Used
from reconciler.compile.lengths import one_spelling
from reconciler.compile.notes import Notes
from reconciler.compile.targets import Rank
from reconciler.model.canonical import encode
from reconciler.model.destinations import Subset
from reconciler.model.findings import Finding, Position, warning
from reconciler.model.intents import Backend, TrafficSource
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match


@dataclass(frozen=True, slots=True)
class Wish:
    """One leaf on one service; of route and mirror with what it resolves to. ``value`` is its canonical text."""

    leaf: Leaf
    value: str
    backends: tuple[Backend, ...] = ()
    used: tuple[Used, ...] = ()

    @property
    def slot(self) -> tuple[str, str]:
        """Header names mean the same in any case."""
        return (
            self.leaf.path,
            self.leaf.key.lower() if self.leaf.path.startswith("traffic.headers.") else self.leaf.key,
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """One traffic policy on one service, resolved. Empty ``sources`` and ``matches`` mean all; so does no ``part``."""

    policy: DocRef
    position: Position
    service: ServiceRef
    rank: Rank
    priority: int = 0
    sources: tuple[TrafficSource, ...] = ()
    matches: tuple[Match, ...] = ()
    routed: tuple[Wish, ...] = ()  # leaves that hold per route
    host_wide: tuple[Wish, ...] = ()
    inbound: tuple[Wish, ...] = ()  # leaves that the destination's own side carries out
    reject: bool = False
    part: Subset | None = None

    @property
    def default(self) -> bool:
        return self.rank is Rank.DEFAULTS


@dataclass(frozen=True, slots=True)
class Bid:
    ask: Ask
    wish: Wish


@dataclass(frozen=True, slots=True)
class Settled:
    """``parents`` ask for the very value that holds, the holder first among them."""

    wish: Wish
    parents: tuple[Bid, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Says why the holder stands before a loser."""

    holder: Bid
    age: str = ""

    def __call__(self, loser: Bid) -> str:
        mine, other = self.holder.ask, loser.ask
        if mine.priority != other.priority:
            return f"its priority is higher ({mine.priority} over {other.priority})"
        if mine.rank != other.rank:
            return f"its target is narrower ({mine.rank.name.lower()} before {other.rank.name.lower()})"
        if _width(mine) != _width(other):
            return "its source is narrower"
        return self.age


class Court:
    """Settles bids for one service: one value holds, each other one is a finding that names both policies."""

    def __init__(self, service: ServiceRef, ages: Mapping[Position, int], notes: Notes) -> None:
        self.service, self.ages, self.notes = service, ages, notes
        self.lost: set[tuple[DocRef, tuple[str, str]]] = set()  # leaves of policies that were told so

    def settle(self, bids: Sequence[Bid]) -> Settled:
        """The value of one slot. Higher priority, then narrower target, then narrower source, then the older."""
        if len(bids) == 1:
            return Settled(bids[0].wish, (bids[0],))
        holder, why = self.first(bids)
        same = [bid for bid in bids if bid.wish.value == holder.wish.value]
        for loser in bids:
            if loser.wish.value != holder.wish.value:
                self.dismiss(holder, loser, why(loser))
        others = sorted((bid for bid in same if bid is not holder), key=_name)
        return Settled(holder.wish, (holder, *others))

    def dismiss(self, holder: Bid, loser: Bid, why: str) -> None:
        """Say that a leaf does not hold, and who holds instead."""
        self.lost.add((loser.ask.policy, loser.wish.slot))
        self.notes.find(_conflict(self.service, holder, loser, why))

    def first(self, bids: Sequence[Bid]) -> tuple[Bid, Reason]:
        """The bid that takes precedence, and why it does over any other."""
        best = min(_precedence(bid) for bid in bids)
        rivals = sorted((bid for bid in bids if _precedence(bid) == best), key=_name)
        if len({bid.wish.value for bid in rivals}) == 1 or len({bid.ask.policy for bid in rivals}) == 1:
            return rivals[0], Reason(rivals[0])
        holder, why = oldest(rivals, lambda bid: bid.wish.leaf.position, _name, self.ages, self.notes)
        return holder, Reason(holder, why)


def in_order(bids: Iterable[Bid]) -> list[Bid]:
    """By precedence as far as it goes without asking which is older, then by name."""
    return sorted(bids, key=lambda bid: (_precedence(bid), _name(bid)))


def _conflict(service: ServiceRef, holder: Bid, loser: Bid, why: str) -> Finding:
    """The finding about the leaf that does not hold, placed where it is written."""
    mine, other = holder.wish.leaf, loser.wish.leaf
    path = f"{other.path} {other.key}".strip()
    opposed = "" if mine.path == other.path else f" ({mine.path})"
    message = (
        f"{loser.ask.policy} sets {path} of {service.label} otherwise than {holder.ask.policy} "
        f"at {mine.position}{opposed}, which holds: {why}"
    )
    hint = "give one of them a higher priority, or make them agree"
    found = warning("policy-conflict", message, other.position, hint, loser.ask.policy, holder.ask.policy)
    return replace(found, also=(mine.position,))


def wish(leaf: Leaf, backends: tuple[Backend, ...] = (), used: tuple[Used, ...] = ()) -> Wish:
    """A leaf as a wish. Two routes are equal when they resolve to the same backends, however they are written."""
    if not backends:
        return Wish(leaf, encode(one_spelling(leaf)))
    shown = sorted(encode([str(one.service), one.subset, one.port, one.weight, one.headers]) for one in backends)
    return Wish(leaf, encode(shown), backends, used)


def _precedence(bid: Bid) -> tuple[int, int, int]:
    return (-bid.ask.priority, bid.ask.rank, _width(bid.ask))


def _width(ask: Ask) -> int:
    """How many sources a policy has; with none it is about everyone."""
    return len(ask.sources) or 1_000_000


def _name(bid: Bid) -> tuple[DocRef, Position, str]:
    return (bid.ask.policy, bid.wish.leaf.position, bid.wish.value)
