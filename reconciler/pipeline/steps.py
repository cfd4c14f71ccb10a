"""The order of writes on one target: waves up, removals down, and at the very end what nothing needs any more then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reconciler.model.live import LiveCluster
from reconciler.model.plans import Action, Change
from reconciler.plan.comparable import content

Bridge = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any] | None]
SETTLE = 1_000  # wave in which bridged objects get their final form: after every other write, and every removal


@dataclass(frozen=True, slots=True)
class Step:
    """One write. ``first`` opens the journal's intent, ``last`` closes it; a bridged change has two steps."""

    change: Change
    body: Mapping[str, Any]
    wave: int
    first: bool = True
    last: bool = True


def waves(changes: Iterable[Change], live: LiveCluster, bridge: Bridge) -> list[list[Step]]:
    """The steps of all changes that write, wave by wave; the steps within one may go side by side."""
    steps = [step for change in changes if change.writes for step in _steps(change, live, bridge)]
    ordered = sorted(steps, key=lambda step: (_phase(step), step.wave, step.change.key))
    return [list(group) for _, group in groupby(ordered, key=lambda step: (_phase(step), step.wave))]


def _phase(step: Step) -> int:
    """A removed route may still need what the last form of another object is without."""
    if step.change.action is Action.PRUNE:
        return 1
    return 2 if step.wave >= SETTLE else 0


def _steps(change: Change, live: LiveCluster, bridge: Bridge) -> list[Step]:
    if change.action is Action.PRUNE:
        return [Step(change, {}, -change.kind.wave)]
    body = json.loads(json.dumps(change.desired))
    found = live.objects.get(change.key)
    between = bridge(found.body(), body) if found is not None and change.action is Action.UPDATE else None
    if between is None or content(between, dict) == content(body, dict):
        return [Step(change, body, change.kind.wave)]
    return [
        Step(change, between, change.kind.wave, last=False),
        Step(change, body, SETTLE + change.kind.wave, first=False),
    ]
