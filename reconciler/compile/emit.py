"""From the intent of a target to its native objects, and no object twice in one cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from reconciler.adapters.base import Adapter
from reconciler.compile.notes import Notes
from reconciler.model.findings import Finding, Severity, error
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef, ObjectKey, ServiceRef, TargetId

#: by key, which many objects are sorted by sooner in parts
_IN_ORDER = attrgetter("key.group", "key.kind", "key.namespace", "key.name")
_Place = tuple[str, ObjectKey]
_Group = tuple[ServiceRef | None, set[DocRef]]


def emitted(intent: MeshIntent, adapter: Adapter, notes: Notes) -> tuple[NativeObject, ...]:
    """The objects of every emitter, and what it finds: an error holds what its documents had, and what stands together
    with these in one object, since the adapter then writes none of it."""
    things = list(adapter.build(intent))
    errors: dict[Finding, None] = {}
    for finding in (finding for built in things for finding in built.findings):
        notes.find(finding)
        if finding.severity is Severity.ERROR:
            errors[finding] = None
    if errors:
        _hold(errors, _together(intent), notes)
    return tuple(one for built in things for one in built.objects)


def _hold(errors: Iterable[Finding], together: list[_Group], notes: Notes) -> None:
    for finding in errors:
        groups = [(service, refs) for service, refs in together if refs & set(finding.documents)]
        for service, refs in groups or [(None, set(finding.documents))]:
            for ref in sorted(refs):
                notes.refuse_known(ref, finding, (service,) if service else ())


def _together(intent: MeshIntent) -> list[_Group]:
    """Documents that may have a part in the same object: those of one host, and those of one service's access."""
    services: dict[ServiceRef, set[DocRef]] = {}
    for rule in intent.access:
        services.setdefault(rule.service, set()).update(origin.ref for origin in rule.origins)
    hosts = [(host.service, {origin.ref for origin in host.origins}) for host in intent.hosts]
    modes = [(mode.service, {origin.ref for origin in mode.origins}) for mode in intent.mtls]
    return [*services.items(), *hosts, *modes]


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
