"""What is remembered between runs, by name, and how it reads: the only place that knows the keys of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, ObjectKey, TargetId
from reconciler.plan.fights import Fight
from reconciler.ports import Values

#: of what is kept for each target or cluster; a run reads them at once
EACH = ("applied/", "drift/", "fights/", "guard/", "health/", "kinds/", "reach/", "verdicts/")


@dataclass(frozen=True, slots=True)
class Applied:
    """The last revision applied to a target, and the objects of it that could not be. ``guards``: the revision whose
    guards hold there; it does not move while a guard withholds something, so no commit lifts its own guard."""

    revision: str
    missing: frozenset[ObjectKey] = frozenset()
    guards: str = ""


@dataclass(frozen=True, slots=True)
class IdentityTrouble:
    """Why these proxies of a target got no certificate."""

    proxies: tuple[str, ...]
    error: str = ""


def accepted_revision(store: Values) -> str:
    """The last revision that was accepted for writing, or ""."""
    value = store.get("accepted")
    return str(value["revision"]) if value else ""


def belongs_to(store: Values) -> tuple[str, str]:
    """Identity and name of the repository that this state is of; empty before its first run."""
    value = store.get("source") or {}
    return str(value.get("identity", "")), str(value.get("name", ""))


def former_identities(store: Values) -> frozenset[str]:
    """Identities that the repository had before its root was rewritten and accepted so: their objects are ours."""
    return frozenset((store.get("source") or {}).get("former", ()))


def set_belongs_to(store: Values, identity: str, name: str) -> None:
    known = belongs_to(store)
    if identity and known != (identity, name):
        former = (former_identities(store) | {known[0]}) - {identity, ""}
        store.put("source", {"identity": identity, "name": name, **({"former": sorted(former)} if former else {})})


def accepted_is(store: Values, revision: str) -> bool:
    """Whether exactly this revision was accepted by hand or by the last run."""
    return accepted_revision(store) == revision


def accept_revision(store: Values, revision: str) -> None:
    store.put("accepted", {"revision": revision})


def applied_to(store: Values, target: TargetId) -> Applied | None:
    value = store.get(f"applied/{target}")
    if value is None:
        return None
    missing = frozenset(ObjectKey(*key) for key in value["missing"])
    return Applied(value["revision"], missing, value.get("guards", value["revision"]))


def set_applied(store: Values, target: TargetId, applied: Applied) -> None:
    rows = sorted([key.group, key.kind, key.namespace, key.name] for key in applied.missing)
    store.put(f"applied/{target}", {"revision": applied.revision, "missing": rows, "guards": applied.guards})


def identity_trouble(store: Values, target: TargetId) -> IdentityTrouble | None:
    """The last attempt, where it failed."""
    value = store.get(f"identities/{target}")
    return IdentityTrouble(tuple(value["proxies"]), value["error"]) if value else None


def set_identity_trouble(store: Values, target: TargetId, trouble: IdentityTrouble | None) -> None:
    if trouble:
        store.put(f"identities/{target}", asdict(trouble))
    elif store.get(f"identities/{target}"):
        store.delete(f"identities/{target}")
    store.delete(f"reach/{target}")


def forget_target(store: Values, target: TargetId) -> None:
    store.delete(f"applied/{target}")
    store.delete(f"drift/{target}")
    store.delete(f"fights/{target}")
    store.delete(f"health/{target}")
    store.delete(f"identities/{target}")
    store.delete(f"verdicts/{target}")


def managed_kinds(store: Values, cluster: str) -> tuple[NativeKind, ...]:
    """Every kind that was ever written to a cluster: what to list in order to find what is ours."""
    rows = store.get(f"kinds/{cluster}") or []
    return tuple(
        NativeKind(
            kind=KindId(row["group"], row["kind"]),
            versions=tuple(row["versions"]),
            plural=row["plural"],
            namespaced=row["namespaced"],
            wave=row["wave"],
            exclusive=row["exclusive"],
            parts=tuple(row.get("parts") or ()),
        )
        for row in rows
    )


def remember_kinds(store: Values, cluster: str, kinds: Iterable[NativeKind]) -> None:
    known = {kind.kind: kind for kind in managed_kinds(store, cluster)}
    merged = {**known, **{kind.kind: kind for kind in kinds}}
    if merged.keys() != known.keys():
        store.put(f"kinds/{cluster}", [_kind_row(merged[key]) for key in sorted(merged)])


def _kind_row(kind: NativeKind) -> dict[str, Any]:
    row = asdict(kind)
    identity = row.pop("kind")
    return {**row, "group": identity["group"], "kind": identity["kind"], "versions": list(kind.versions)}


def known_drift(store: Values, target: TargetId) -> dict[str, str]:
    """Object (as text) to a digest of the drift that was recorded of it."""
    return dict(store.get(f"drift/{target}") or {})


def set_known_drift(store: Values, target: TargetId, drift: Mapping[str, str]) -> None:
    store.put(f"drift/{target}", dict(drift))


def known_degraded(store: Values, target: TargetId) -> dict[str, str]:
    """Object (as text) to the words of its mesh when this was recorded."""
    return dict(store.get(f"health/{target}") or {})


def set_known_degraded(store: Values, target: TargetId, degraded: Mapping[str, str]) -> None:
    store.put(f"health/{target}", dict(degraded))


def known_unreachable(store: Values, target: TargetId) -> str:
    """Why nothing could be planned there when this was recorded; "" when it could."""
    value: dict[str, str] = store.get(f"reach/{target}") or {}
    return value.get("why", "")


def set_known_unreachable(store: Values, target: TargetId, why: str) -> None:
    store.put(f"reach/{target}", {"why": why})


def known_verdicts(store: Values, target: TargetId) -> tuple[str, dict[str, str]] | None:
    """The revision that was last answered there, and what of it the mesh does not carry out whole."""
    value = store.get(f"verdicts/{target}")
    return (value["revision"], dict(value["lacking"])) if value else None


def set_known_verdicts(store: Values, target: TargetId, revision: str, lacking: Mapping[str, str]) -> None:
    store.put(f"verdicts/{target}", {"revision": revision, "lacking": dict(lacking)})


def known_fights(store: Values, target: TargetId) -> dict[ObjectKey, Fight]:
    rows = store.get(f"fights/{target}") or []
    return {
        ObjectKey(*row["object"]): Fight(
            row["rounds"], datetime.fromisoformat(row["last"]), row["desiredHash"], row["opponent"]
        )
        for row in rows
    }


def set_known_fights(store: Values, target: TargetId, fights: Mapping[ObjectKey, Fight]) -> None:
    rows = [
        {
            "object": [key.group, key.kind, key.namespace, key.name],
            "rounds": fight.rounds,
            "last": fight.last.isoformat(),
            "desiredHash": fight.desired_hash,
            "opponent": fight.opponent,
        }
        for key, fight in sorted(fights.items())
    ]
    if rows or store.get(f"fights/{target}"):
        store.put(f"fights/{target}", rows)


@dataclass(frozen=True, slots=True)
class Pause:
    """Writes on a target stopped by hand. ``until`` None: until resumed."""

    by: str
    reason: str
    until: datetime | None = None

    def words(self) -> str:
        until = f" until {self.until.isoformat(timespec='seconds')}" if self.until else ""
        return f"paused by {self.by}{until}: {self.reason}"


def pauses(store: Values, now: datetime) -> dict[TargetId, Pause]:
    """The pauses in force."""
    found = {}
    for key in store.keys("pause/"):
        value = store.get(key)
        until = datetime.fromisoformat(value["until"]) if value and value["until"] else None
        if value and (until is None or now < until):
            target = TargetId(*key.removeprefix("pause/").split("/", 1))
            found[target] = Pause(value["by"], value["reason"], until)
    return found


def set_pause(store: Values, target: TargetId, pause: Pause) -> None:
    until = pause.until.isoformat() if pause.until else ""
    store.put(f"pause/{target}", {"by": pause.by, "reason": pause.reason, "until": until})


def end_pause(store: Values, target: TargetId) -> None:
    store.delete(f"pause/{target}")


def record_status(store: Values, status: Mapping[str, Any]) -> None:
    store.put("status", dict(status))


def last_status(store: Values) -> Mapping[str, Any] | None:
    value = store.get("status")
    return value if isinstance(value, Mapping) else None
