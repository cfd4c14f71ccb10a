"""Of what differs on a target: what a pull request causes, what drifted, and what was asked before and is not there.

Two plans tell. ``between`` goes from the base to the head without looking at any cluster: all of it is caused.
``lives`` goes from what lives to the head: what of it is not caused is drift where somebody else wrote it, and waits
to be applied where nobody did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.plans import Action, Cause, Change, FieldChange, TargetPlan
from reconciler.model.refs import ObjectKey
from reconciler.model.reviews import Reviewed, TargetReview
from reconciler.pipeline.places import Places

IN_PLACE = (Action.UPDATE, Action.REPLACE)
UNTOLD = "neither this state nor the cluster tells whether somebody changed it or it was never applied"


def review_target(
    between: TargetPlan | None, lives: TargetPlan | None, places: Places, *, told: bool = True
) -> TargetReview:
    """One of the two plans at least is there. ``told``: the state knows what was applied to this target."""
    one = lives or between
    assert one is not None
    caused = [change for change in (between.changes if between else ()) if change.pending]
    if lives is None or lives.error:
        shown = tuple(Reviewed(change, change.fields, places.of(change)) for change in caused)
        offline = between or one
        return TargetReview(
            one.target, shown, (), (), str(one.mode), one.error, offline.guards, offline.guard_fingerprint
        )
    found = {change.key: change for change in lives.changes if change.pending}
    asked = {change.key: change for change in caused}
    rest = [_rest(change, asked.get(change.key), told) for change in found.values()]
    return TargetReview(
        target=one.target,
        caused=tuple(_caused(change, found.get(change.key), places) for change in caused),
        drift=tuple(_shown(change, fields, places) for change, fields, _ in rest if fields or _deleted(change, asked)),
        waiting=tuple(_waits(change, fields, places, told) for change, _, fields in rest if fields is not None),
        mode=str(lives.mode),
        guards=lives.guards,
        confirm=lives.guard_fingerprint,
    )


def _caused(change: Change, found: Change | None, places: Places) -> Reviewed:
    """What the pull request does to an object, and what would come of it where it is to be done."""
    if found is None:
        note = "it does not live, so nothing is deleted" if change.action is Action.PRUNE else "it lives so already"
        return Reviewed(change, change.fields, places.of(change), note)
    action = found.action if change.action in IN_PLACE and found.action in IN_PLACE else change.action
    note = _behind(change, found) if action is found.action else _otherwise(action, found.action)
    told = replace(change, action=action, withheld=found.withheld, why=found.why, adopt=found.adopt)
    return Reviewed(told, change.fields, places.of(change), note)


def _behind(change: Change, found: Change) -> str:
    """Which of the fields that change live otherwise than the base asks."""
    lives = {field.path: field for field in found.fields}
    other = [f.path for f in change.fields if f.path in lives and lives[f.path].before != f.before]
    return f"the target branch asks this otherwise than it lives now: {', '.join(other)}" if other else ""


def _otherwise(action: Action, found: Action) -> str:
    if found is Action.CREATE:
        return "it does not live now, so all of it would be created"
    return "it lives already" if action is Action.CREATE else f"as it lives now, this is: {found}"


def _rest(
    change: Change, asked: Change | None, told: bool
) -> tuple[Change, tuple[FieldChange, ...], tuple[FieldChange, ...] | None]:
    """What is not caused: the fields that drifted, and those that wait; None where nothing waits."""
    drifted = tuple(field for field in change.fields if field.drift and (told or field.author is not None))
    if change.action in (Action.CREATE, Action.PRUNE):
        waits = asked is None or (change.action is Action.CREATE and asked.action in IN_PLACE)
        return change, (), () if waits and not _by_hand(change) else None
    paths = {field.path for field in asked.fields} if asked else set()
    rest = tuple(f for f in change.fields if f not in drifted and not _among(f.path, paths))
    stands = asked is None and not drifted  # withheld without a field that differs, or of which no more is known
    return change, drifted, rest if rest or stands else None


def _among(path: str, paths: Iterable[str]) -> bool:
    """Whether a path is one of these, above or below one."""
    return any(path == other or _below(path, other) or _below(other, path) for other in paths)


def _below(path: str, other: str) -> bool:
    return path.startswith(other) and path[len(other) : len(other) + 1] in (".", "[")


def _by_hand(change: Change) -> bool:
    return Cause.DRIFT in change.causes


def _deleted(change: Change, asked: dict[ObjectKey, Change]) -> bool:
    """Somebody deleted what was applied, and what is not deleted by the pull request itself."""
    caused = asked.get(change.key)
    return change.action is Action.CREATE and _by_hand(change) and (caused is None or caused.action in IN_PLACE)


def _shown(change: Change, fields: tuple[FieldChange, ...], places: Places) -> Reviewed:
    note = "" if fields else "somebody deleted it"
    return Reviewed(change, fields, places.of(change), note)


def _waits(change: Change, fields: tuple[FieldChange, ...] | None, places: Places, told: bool) -> Reviewed:
    unknown = not told and any(field.drift for field in fields or ())
    return Reviewed(change, fields or (), places.of(change), UNTOLD if unknown else "")
