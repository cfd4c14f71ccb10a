"""From the intent of a target to its native objects, and no object twice in one cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from reconciler.adapters.base import Adapter
from reconciler.adapters.built import Built
from reconciler.compile.notes import Notes
from reconciler.model.findings import Finding, error
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef, ObjectKey, ServiceRef, TargetId

#: by key, which many objects are sorted by sooner in parts
_IN_ORDER = attrgetter("key.group", "key.kind", "key.namespace", "key.name")
_Place = tuple[str, ObjectKey]
Refused = Mapping[tuple[DocRef, ServiceRef | None], tuple[Finding, ...]]


def emitted(intent: MeshIntent, adapter: Adapter) -> tuple[Built, ...]:
    """What every emitter makes of an intent."""
    return tuple(adapter.build(intent))


def blamed(things: Iterable[Built], before: Refused) -> Refused:
    """Those to go on without, beside those that were left out before: who is to blame for an error about a service, on
    that service. Who is blamed there again has a part in it by what is sent there from elsewhere, and goes wholly."""
    found: dict[tuple[DocRef, ServiceRef | None], dict[Finding, None]] = {}
    for one in things:
        for ref, finding in one.blames if one.service is not None else ():
            place = (ref, None if (ref, one.service) in before else one.service)
            if place not in before:
                found.setdefault(place, {})[finding] = None
    return {**before, **{place: tuple(findings) for place, findings in found.items()}}


def written(things: Iterable[Built], notes: Notes) -> tuple[NativeObject, ...]:
    """The objects, and what was found: an error that nobody could be left out for holds all that has a part in the
    thing, since the adapter then writes none of it."""
    things = list(things)
    for one in things:
        for finding in one.findings:
            notes.find(finding)
        for finding in one.errors:
            for ref in one.documents or finding.documents:
                notes.refuse_known(ref, finding, (one.service,) if one.service else ())
    return tuple(native for one in things for native in one.objects)


@dataclass(frozen=True, slots=True)
class _Placed:
    target: TargetId
    object: NativeObject


def without_duplicates(
    objects: Mapping[TargetId, tuple[NativeObject, ...]], notes: Mapping[TargetId, Notes]
) -> Mapping[TargetId, tuple[NativeObject, ...]]:
    """The objects sorted by key. What is made twice in one cluster is made by nobody: an error, and all are held."""
    twice = _twice(objects)
    for (_, key), placed in twice.items():
        _tell(key, placed, notes)
    return {
        target: tuple(sorted((one for one in mine if (target.cluster, one.key) not in twice), key=_IN_ORDER))
        for target, mine in sorted(objects.items())
    }


def _twice(objects: Mapping[TargetId, tuple[NativeObject, ...]]) -> dict[_Place, list[_Placed]]:
    seen: set[_Place] = set()
    again: set[_Place] = set()
    for target, mine in objects.items():
        for one in mine:
            place = (target.cluster, one.key)
            (again if place in seen else seen).add(place)
    twice: dict[_Place, list[_Placed]] = {}
    for target in sorted(objects) if again else ():
        for one in objects[target]:
            if (target.cluster, one.key) in again:
                twice.setdefault((target.cluster, one.key), []).append(_Placed(target, one))
    return twice


def _tell(key: ObjectKey, placed: list[_Placed], notes: Mapping[TargetId, Notes]) -> None:
    origins = sorted({(origin, one.target) for one in placed for origin in one.object.origins})
    named = " and ".join(f"{origin.ref} at {origin.position} ({target})" for origin, target in origins)
    for origin, target in origins:
        refs = sorted({other.ref for other, _ in origins})
        message = f"{key} would be written more than once: by {named}; none of them is applied"
        finding = error("object-duplicate", message, origin.position, "let one of them write it", *refs)
        notes[target].hold(origin.ref, finding)
