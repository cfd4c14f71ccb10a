"""Verdicts on one mesh beside those on another: which of what is in force is kept, emulated, lost or gained."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.model.documents import DesiredState, View
from reconciler.model.migrations import Fate, Row
from reconciler.model.native import Verdict
from reconciler.model.refs import DocRef, ServiceRef, TargetId

_ORDER = list(Fate)
_LEVELS = {"Native": Fate.KEPT, "Emulated": Fate.EMULATED, "Partial": Fate.PARTLY}
_Key = tuple[str, str, ServiceRef | None]


def fates(
    verdicts: tuple[Sequence[Verdict], Sequence[Verdict]],
    pairs: Iterable[tuple[TargetId, TargetId]],
    desired: DesiredState,
    namespaces: Collection[str] = (),
) -> tuple[Row, ...]:
    """A row for each policy and capability that is asked of an old target, what is worst first. ``verdicts``: before
    the move and after it. ``namespaces``: only what is about services there; empty: everything."""
    found: dict[tuple[str, str, Fate, str, str], tuple[set[ServiceRef], set[str]]] = {}
    for old, new in pairs:
        chosen = {str(ref) for ref in _documents(desired.views[new])}
        before, after = _by_service(verdicts[0], old), _by_service(verdicts[1], new, old.cluster)
        for key in before:
            policy, capability, service = key
            if namespaces and service is not None and service.namespace not in namespaces:
                continue
            same = str(_mesh(new)) if policy == str(_mesh(old)) else policy
            there = _there((same, capability, service), after) if same in chosen else None
            fate = _fate(before[key], there, selected=same in chosen)
            row = (policy, capability, fate, _worded(before[key]), _worded(there) if there else "")
            services, clusters = found.setdefault(row, (set(), set()))
            services |= {service} if service is not None else set()
            clusters.add(old.cluster)
    rows = (Row(*row, tuple(sorted(services)), tuple(sorted(clusters))) for row, (services, clusters) in found.items())
    return tuple(sorted(rows, key=lambda row: (_ORDER.index(row.fate), row.policy, row.capability, row.after)))


def _documents(view: View) -> frozenset[DocRef]:
    """Those that hold on a target."""
    return frozenset(
        (
            *(one.ref for one in view.traffic),
            *(one.ref for one in view.access),
            *(one.ref for one in view.telemetry),
            *(one.ref for one in view.ingress),
            *(one.ref for one in view.extensions),
            *(one.ref for one in view.destinations),
            *(one.ref for one in view.virtual_meshes),
            *(one.ref for one in view.meshes),
        )
    )


def _by_service(verdicts: Sequence[Verdict], target: TargetId, cluster: str = "") -> dict[_Key, Verdict]:
    """The verdicts of a target by policy, capability and service; the gravest where several are about the same.
    ``cluster``: whose services those of the target are taken for."""
    found: dict[_Key, Verdict] = {}
    for one in verdicts:
        if one.target != target:
            continue
        for service in one.destinations or (None,):
            if cluster and service is not None and service.cluster == target.cluster:
                service = replace(service, cluster=cluster)
            key = (one.policy, one.capability, service)
            if key not in found or _gravity(one) < _gravity(found[key]):
                found[key] = one
    return found


def _gravity(verdict: Verdict) -> int:
    return _ORDER.index(_fate(verdict, verdict, selected=True)) if verdict.action == "Applied" else -1


def _there(key: _Key, after: Mapping[_Key, Verdict]) -> Verdict | None:
    """The verdict about the same on the new mesh: of the same path, or of one above or below it; of the same service,
    or of the whole policy. Else what refuses the policy there."""
    policy, capability, service = key
    if key in after:
        return after[key]
    near = [
        (path, one)
        for (of, path, on), one in after.items()
        if of == policy and (service is None or on in (service, None))
    ]
    same = [one for path, one in near if _related(path, capability)]
    return min(same or [one for _, one in near if one.action == "Refused"], key=_gravity, default=None)


def _related(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _mesh(target: TargetId) -> DocRef:
    return DocRef("Mesh", "default", target.mesh)


def _fate(before: Verdict, after: Verdict | None, *, selected: bool) -> Fate:
    applied = before.action == "Applied"
    if not selected or after is None:
        return Fate.UNSELECTED if applied else Fate.LACKING
    if after.action == "Refused":
        return Fate.BLOCKED if applied else Fate.LACKING
    if after.action == "Degraded":
        return Fate.LOST if applied else Fate.LACKING
    if not applied:
        return Fate.GAINED
    return _LEVELS.get(after.level, Fate.PARTLY)


def _worded(verdict: Verdict) -> str:
    if verdict.action != "Applied":
        return f"{verdict.action.lower()}: {verdict.note}" if verdict.note else verdict.action.lower()
    how = ": ".join(part for part in (verdict.level.lower(), verdict.via) if part)
    return f"{how} ({verdict.note})" if verdict.note and verdict.level != "Native" else how
