"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.adapters.importing import (
    Body,
    Draft,
    Imported,
    Reader,
    Scene,
    Unsayable,
    contested,
    key_of,
    proposed,
    reader_of,
)
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings
from reconciler.adapters.smi.importing.settings import breaker, upstream
from reconciler.adapters.smi.importing.splits import traffic_split
from reconciler.adapters.smi.importing.targets import traffic_target
from reconciler.adapters.smi.kinds import HTTP_ROUTE_GROUP, TCP_ROUTE
from reconciler.adapters.smi.live import claims
from reconciler.model.refs import ObjectKey

_PARTS = (HTTP_ROUTE_GROUP.kind.kind, TCP_ROUTE.kind.kind)
_WHY = "not all that refer to it become neutral documents, or nobody does"


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    double = contested(bodies, claims)
    known = {key_of(body): body for body in bodies}
    readers: Mapping[str, Reader] = {
        "TrafficSplit": traffic_split,
        "TrafficTarget": lambda body, scene: traffic_target(body, known, scene),
        "UpstreamTrafficSetting": upstream,
        "CircuitBreaker": breaker,
    }

    def read(body: Body, scene: Scene) -> Draft | Iterable[Draft]:
        if found := double(body):
            raise Unsayable(f"another object is about {found}, too, and the mesh takes one of them")
        return reader_of(readers, body)(body, scene)

    done = proposed([body for key, body in known.items() if key.kind not in _PARTS], read, scene)
    said = {draft.key for draft in done.drafts}
    return done | Imported(*_parts(known, said))


def _parts(known: Mapping[ObjectKey, Body], said: set[ObjectKey]) -> tuple[tuple[Draft, ...], dict[ObjectKey, str]]:
    """What TrafficTargets refer to is said with them, where all of those are said."""
    referring: dict[ObjectKey, list[ObjectKey]] = {}
    for key, body in known.items():
        for part in _referred(body):
            referring.setdefault(part, []).append(key)
    drafts, kept = [], {}
    for key in (key for key in known if key.kind in _PARTS):
        several = sorted(referring.get(key, ()))
        if several and set(several) <= said:
            drafts.append(Draft(key, (), within=several[0]))
        else:
            kept[key] = _WHY
    return tuple(drafts), kept


def _referred(body: Body) -> Iterator[ObjectKey]:
    """What a target names in its rules, and shares of some requests in their conditions."""
    spec, namespace = section(body, "spec"), key_of(body).namespace
    for one in (*mappings(spec.get("rules")), *mappings(spec.get("matches"))):
        yield ObjectKey(HTTP_ROUTE_GROUP.kind.group, str(one.get("kind")), namespace, str(one.get("name")))
