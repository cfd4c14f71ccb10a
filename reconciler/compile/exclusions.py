"""Leaves of several policies on one service that the mesh cannot do together. Within one policy negotiation decides;
between two the one that would win a conflict holds, and the other leaf is left out and told, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from reconciler.adapters.base import Capability
from reconciler.compile.capabilities import claim_for, excluded_by, reported
from reconciler.compile.droppable import droppable
from reconciler.compile.merge import Ask, Bid, Court, Wish, in_order
from reconciler.compile.notes import DEGRADED
from reconciler.compile.paths import Use, leaf_uses
from reconciler.compile.site import Site
from reconciler.model.findings import Finding, warning

_CONDITIONS = ("traffic.from", "traffic.match")


@dataclass(frozen=True, slots=True)
class _Loss:
    holder: Bid
    loser: Bid
    why: str


@dataclass(slots=True)
class Exclusions:
    """What excludes what on one site; read once for each way in which the mesh serves a service."""

    site: Site
    _excluding: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def settle(self, asks: Sequence[Ask], court: Court) -> tuple[Ask, ...]:
        """The asks of one service without the wishes that another policy's wish excludes."""
        profile = self.site.profile(court.service)
        if len(asks) < 2 or not self._concerns(asks, profile):
            return tuple(asks)
        kept: list[Bid] = []
        for bid in in_order([Bid(ask, one) for ask in asks for one in _wishes(ask)]):
            losses = [_lost(other, bid, court) for other in kept if self._excluded(bid, other, profile)]
            own = [loss for loss in losses if loss.loser is bid]
            for loss in own[:1] or losses:
                self._dismiss(loss, court, profile)
            if not own:
                gone = [loss.loser for loss in losses]
                kept = [other for other in kept if other not in gone] + [bid]
        return tuple(_only(ask, [bid.wish for bid in kept if bid.ask is ask]) for ask in asks)

    def _concerns(self, asks: Iterable[Ask], profile: str) -> bool:
        """Whether both of some pair that excludes each other are asked for; most services are done with at once."""
        if profile not in self._excluding:
            self._excluding[profile] = tuple(_pairs(self.site.adapter.capabilities(profile).values()))
        paths = {one.leaf.path for ask in asks for one in _wishes(ask)}
        return any(_any_near(paths, one) and _any_near(paths, other) for one, other in self._excluding[profile])

    def _claimed(self, wish: Wish, profile: str) -> list[tuple[Use, Capability]]:
        found = ((use, claim_for(use, self.site, profile)) for use in leaf_uses(wish.leaf))
        return [(use, claim) for use, claim in found if claim is not None]

    def _excluded(self, bid: Bid, other: Bid, profile: str) -> bool:
        if bid.ask.policy == other.ask.policy or _apart(bid.ask, other.ask):
            return False
        theirs = self._claimed(other.wish, profile)
        return any(excluded_by(use, claim, theirs) for use, claim in self._claimed(bid.wish, profile))

    def _dismiss(self, loss: _Loss, court: Court, profile: str) -> None:
        """The losing leaf is left out where that is harmless, and refused where it is not."""
        policy, held = loss.loser.ask.policy, loss.holder
        court.lost.add((policy, loss.loser.wish.slot))
        paths = [reported(use, claim) for use, claim in self._claimed(loss.loser.wish, profile)]
        finding = _told(loss, court)
        if not droppable(loss.loser.wish.leaf.path):
            court.notes.refuse(policy, paths, finding, destinations=(court.service,))
            return
        court.notes.find(finding)
        for path in paths:
            note = f"left out: {held.wish.leaf.path} of {held.ask.policy} excludes it"
            court.notes.verdict(policy, path, "None", DEGRADED, note, destinations=(court.service,))


def _pairs(claims: Iterable[Capability]) -> Iterator[tuple[str, str]]:
    """Capabilities that cannot go together, of which a policy asks by a leaf: its conditions are its own business."""
    for claim in claims:
        for one in (claim, *((claim.otherwise,) if claim.otherwise else ())):
            yield from ((one.path, other) for other in one.excludes if not other.startswith(_CONDITIONS))


def _any_near(paths: Iterable[str], one: str) -> bool:
    """Whether a path is at, above or below another."""
    return any(f"{path}.".startswith(f"{one}.") or f"{one}.".startswith(f"{path}.") for path in paths)


def _apart(one: Ask, other: Ask) -> bool:
    """Whether two are about different parts of the service. What holds for the whole holds for its parts too."""
    return one.part is not None and other.part is not None and one.part != other.part


def _wishes(ask: Ask) -> tuple[Wish, ...]:
    return (*ask.routed, *ask.host_wide, *ask.inbound)


def _only(ask: Ask, left: Sequence[Wish]) -> Ask:
    def those(wishes: Iterable[Wish]) -> tuple[Wish, ...]:
        return tuple(one for one in wishes if one in left)

    return replace(ask, routed=those(ask.routed), host_wide=those(ask.host_wide), inbound=those(ask.inbound))


def _lost(one: Bid, other: Bid, court: Court) -> _Loss:
    holder, why = court.first([one, other])
    loser = other if holder is one else one
    return _Loss(holder, loser, why(loser))


def _told(loss: _Loss, court: Court) -> Finding:
    mine, other = loss.holder.wish.leaf, loss.loser.wish.leaf
    policy, holder = loss.loser.ask.policy, loss.holder.ask.policy
    message = (
        f"{other.path} of {policy} cannot go together with {mine.path} of {holder} at {mine.position} on "
        f"{court.service.label}, where the latter holds: {loss.why}"
    )
    hint = "leave one of the two out"
    return replace(warning("policy-conflict", message, other.position, hint, policy, holder), also=(mine.position,))
