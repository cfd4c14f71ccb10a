"""Foreign objects that take the same thing as ours (a routed host), where the mesh would not merge the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.model.live import LiveObject
from reconciler.model.native import NativeObject
from reconciler.model.plans import Action, Change, Reason
from reconciler.plan.objects import Place, ownership

Claims = Callable[[Mapping[str, Any]], tuple[str, ...]]


def rival_hosts(
    changes: Sequence[Change], wanted: Sequence[NativeObject], place: Place, claims: Claims | None
) -> list[Change]:
    """The changes, with those withheld that would stand beside a foreign object with the same claim."""
    if claims is None:
        return list(changes)
    ours = {native.key: claims(native.body) for native in wanted}
    kinds = {key.kind_id for key, claimed in ours.items() if claimed}
    taken: dict[str, LiveObject] = {}
    for key, found in sorted(place.live.objects.items()):
        if key.kind_id in kinds and key not in ours and ownership(found, place)[0] is not None:
            taken.update(dict.fromkeys(claims(found.body()), found))
    return [_against(change, ours.get(change.key, ()), taken) for change in changes]


def _against(change: Change, claimed: tuple[str, ...], taken: Mapping[str, LiveObject]) -> Change:
    rival = next((taken[claim] for claim in claimed if claim in taken), None)
    if rival is None or change.action is Action.KEEP or change.withheld is not None:
        return change
    name = f"native.<mesh>.{rival.key.kind}: {{metadata: {{name: {rival.key.name}}}}}"
    why = (
        f"{rival.key} is not ours and takes {', '.join(claimed)} too; the mesh would use only one of them: remove it,"
        f" or take it over in place: give ours its name in a policy for it ({name}), and list it in adopt[]"
    )
    return replace(change, withheld=Reason.FOREIGN_HOST, why=why)
