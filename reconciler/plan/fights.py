"""Fights: something else changes an object back after each heal. After some rounds it is told, and left alone.

A round is a heal of the same drift within an hour of the heal before. The fight ends when Git asks for something
else, or when the object has stayed as asked for that hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.plans import Cause, Change
from reconciler.model.refs import ObjectKey

ROUNDS = 5
WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Fight:
    """``rounds`` heals so far, the last at ``last``, of what ``desired_hash`` identifies, against ``opponent``."""

    rounds: int
    last: datetime
    desired_hash: str
    opponent: str = ""


Fights = Mapping[ObjectKey, Fight]


def advance(known: Fights, healed: Iterable[Change], now: datetime) -> dict[ObjectKey, Fight]:
    """The fights after a run that healed these objects; old ones are forgotten."""
    current = {key: fight for key, fight in known.items() if now - fight.last <= WINDOW or fight.rounds >= ROUNDS}
    for change in healed:
        before = current.get(change.key)
        again = before is not None and before.desired_hash == change.desired_hash and now - before.last <= WINDOW
        rounds = before.rounds + 1 if before is not None and again else 1
        current[change.key] = Fight(rounds, now, change.desired_hash, opponent(change))
    return current


def without_ended(known: Fights, present: Iterable[Change]) -> dict[ObjectKey, Fight]:
    """The fights less those that were given up and are over: the object is as asked again, or Git asks otherwise."""
    drifted = {change.key: change.desired_hash for change in present if change.drifted}
    return {
        key: fight for key, fight in known.items() if fight.rounds < ROUNDS or drifted.get(key) == fight.desired_hash
    }


def given_up(change: Change, known: Fights) -> str:
    """Why a heal is not tried any more, with the rule that ends the fight; "" when it may be."""
    fight = known.get(change.key)
    if fight is None or fight.rounds < ROUNDS or change.causes != (Cause.DRIFT,):
        return ""
    if fight.desired_hash != change.desired_hash:
        return ""
    who = opponent(change) or "something"
    return (
        f"{who} changed it back {fight.rounds} times, so it is left alone. If that is right, put this into ignore[]"
        f" of the Reconciler: {ignore_rule(change)}; if not, stop {who}"
    )


def opponent(change: Change) -> str:
    """The managers who made the object drift, as the cluster knows them."""
    return ", ".join(sorted({field.author.manager for field in change.fields if field.author is not None}))


def ignore_rule(change: Change) -> str:
    """A rule to paste, as YAML on one line."""
    version = str(change.desired["apiVersion"]) if change.desired else change.key.group
    place = f"{change.key.namespace}/{change.key.name}" if change.key.namespace else change.key.name
    parts = [f"gvk: {version}/{change.key.kind}", f"names: [{place}]"]
    managers = opponent(change)
    if managers:
        parts.append(f"managers: [{managers}]")
    else:
        parts.append(f"jsonPaths: [{', '.join(repr(field.path) for field in change.fields if field.drift)}]")
    return "{" + ", ".join(parts) + "}"
