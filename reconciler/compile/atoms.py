"""One route at a time: the leaves that hold for one match and one source, from every policy that covers the two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from reconciler.compile.merge import Ask, Bid, Court, Settled
from reconciler.compile.order import breadth
from reconciler.model.intents import TrafficSource
from reconciler.model.selectors import Match

#: Leaves that say what becomes of a request. A route does one of these: forward, redirect or respond.
FORWARD, REDIRECT, RESPOND = "forward", "redirect", "respond"
_ACTIONS = {
    "traffic.route": FORWARD,
    "traffic.mirror": FORWARD,
    "traffic.rewrite": FORWARD,
    "traffic.redirect": REDIRECT,
    "traffic.respond": RESPOND,
}
_NEEDS_BACKEND = ("traffic.timeout", "traffic.retries")


@dataclass(frozen=True, slots=True)
class Atom:
    """One match and one source; None means every request, and every caller."""

    match: Match | None
    source: TrafficSource | None


@dataclass(slots=True)
class Rule:
    """What holds for an atom, by slot."""

    atom: Atom
    settled: dict[tuple[str, str], Settled] = field(default_factory=dict)

    @property
    def action(self) -> str:
        """What becomes of the request, or "" when nothing says so (then it goes to the host itself)."""
        found = {action_of(one.wish.leaf.path) for one in self.settled.values()} - {""}
        return min(found, default="")


@lru_cache(maxsize=10_000)
def action_of(path: str) -> str:
    return next((kind for base, kind in _ACTIONS.items() if path == base or path.startswith(f"{base}.")), "")


def atoms(asks: Iterable[Ask]) -> set[Atom]:
    """Every combination of match and source that some policy names, and the one of everybody else."""
    found = {Atom(None, None)}
    for ask in asks:
        matches: tuple[Match | None, ...] = ask.matches or (None,)
        sources: tuple[TrafficSource | None, ...] = ask.sources or (None,)
        found.update(Atom(match, source) for match in matches for source in sources)
    return found


def rule_for(atom: Atom, asks: Sequence[Ask], court: Court) -> Rule:
    """The policies of this very atom first; then what is lacking from those that cover it, the narrowest first."""
    rule = Rule(atom)
    levels: dict[tuple[int, ...], list[Ask]] = {}
    for ask in asks:
        level = _level(ask, atom)
        if level is not None:
            levels.setdefault(level, []).append(ask)
    for level in sorted(levels):
        bids = [Bid(ask, wish) for ask in levels[level] for wish in ask.routed]
        _take(rule, _one_action(_lacking(bids, rule), court), court)
    return rule


def _level(ask: Ask, atom: Atom) -> tuple[int, ...] | None:
    """How narrowly a policy covers an atom, smaller is narrower; None where it provably does not."""
    if ask.matches and atom.match not in ask.matches:
        return None
    match = atom.match if ask.matches else None
    if not ask.sources:
        return (int(ask.default), *breadth(atom.match, match, None))
    if atom.source is None:
        return None
    covering = [source for source in ask.sources if source.covers(atom.source)]
    if not covering:
        return None
    return min((int(ask.default), *breadth(atom.match, match, source)) for source in covering)


def _take(rule: Rule, bids: Iterable[Bid], court: Court) -> None:
    slots: dict[tuple[str, str], list[Bid]] = {}
    for bid in bids:
        slots.setdefault(bid.wish.slot, []).append(bid)
    for slot in sorted(slots):
        rule.settled[slot] = court.settle(slots[slot])


def _lacking(bids: Iterable[Bid], rule: Rule) -> list[Bid]:
    """The leaves that a route takes over: those it has none of, and that make sense with what it does."""
    action = rule.action
    kept = []
    for bid in bids:
        path = bid.wish.leaf.path
        kind = action_of(path)
        moot = action in (REDIRECT, RESPOND) and path.startswith(_NEEDS_BACKEND)
        if bid.wish.slot not in rule.settled and kind in ("", action or kind) and not moot:
            kept.append(bid)
    return kept


def _one_action(bids: list[Bid], court: Court) -> list[Bid]:
    """Of policies that do different things with the same request, one holds; the leaves of others are conflicts."""
    acting = [bid for bid in bids if action_of(bid.wish.leaf.path)]
    if len({action_of(bid.wish.leaf.path) for bid in acting}) < 2:
        return bids
    holder, why = court.first(acting)
    action = action_of(holder.wish.leaf.path)
    for bid in acting:
        if action_of(bid.wish.leaf.path) != action:
            court.dismiss(holder, bid, why(bid))
    return [bid for bid in bids if action_of(bid.wish.leaf.path) in ("", action)]
