"""Foreign objects that take the same thing as ours (a routed host), where the mesh would not merge the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.model.findings import NOWHERE
from reconciler.model.health import Health, HealthState, ObjectHealth
from reconciler.model.live import LiveObject
from reconciler.model.native import NativeObject
from reconciler.model.plans import Action, Change, Reason
from reconciler.model.refs import KindId, ObjectKey
from reconciler.plan.objects import Place, ownership

Claims = Callable[[Mapping[str, Any]], tuple[str, ...]]
#: what a foreign object takes too, by the object of ours that it is beside
Rivals = Mapping[ObjectKey, tuple[LiveObject, tuple[str, ...]]]


def rivals(wanted: Sequence[NativeObject], place: Place, claims: Claims | None, others: frozenset[KindId]) -> Rivals:
    """Foreign objects with the claims of ours, among those of the same kinds and of ``others``."""
    if claims is None:
        return {}
    ours = {native.key: claims(native.body) for native in wanted}
    kinds = {key.kind_id for key, claimed in ours.items() if claimed}
    kinds |= others if kinds else frozenset()
    taken: dict[str, LiveObject] = {}
    for key, found in sorted(place.live.objects.items()):
        if key.kind_id in kinds and key not in ours and ownership(found, place)[0] is not None:
            taken.update(dict.fromkeys(claims(found.body()), found))
    return {key: (taken[hit], claimed) for key, claimed in ours.items() for hit in claimed if hit in taken}


def against(change: Change, found: Rivals, others: frozenset[KindId]) -> Change:
    """The change, withheld where it would stand beside a foreign object with the same claim."""
    if change.key not in found or change.action is Action.KEEP or change.withheld is not None:
        return change
    rival, claimed = found[change.key]
    said = f"{rival.key} is not ours and takes {', '.join(claimed)} too; the mesh would use only one of them: remove it"
    if rival.key.kind_id in others:
        return replace(change, withheld=Reason.FOREIGN_HOST, why=said)
    name = f"native.<mesh>.{rival.key.kind}: {{metadata: {{name: {rival.key.name}}}}}"
    take = f"take it over in place: give ours its name in a policy for it ({name}), and list it in adopt[]"
    return replace(change, withheld=Reason.FOREIGN_HOST, why=f"{said}, or {take}")


def overruled(changes: Sequence[Change], found: Rivals, others: frozenset[KindId]) -> tuple[ObjectHealth, ...]:
    """What is as asked and has no effect, since the mesh uses a foreign object of another kind in its place."""
    told = []
    for change in changes:
        rival = found.get(change.key)
        if change.action is Action.KEEP and rival is not None and rival[0].key.kind_id in others:
            why = f"{rival[0].key} is not ours and takes {', '.join(rival[1])}: the mesh uses it in place of this"
            position = change.origins[0].position if change.origins else NOWHERE
            told.append(ObjectHealth(change.target, change.key, Health(HealthState.DEGRADED, why), position))
    return tuple(told)
