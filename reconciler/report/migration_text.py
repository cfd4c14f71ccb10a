"""A migration as text: what is in the way first, then what changes, then the steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from reconciler.model.migrations import Fate, Migration, Row, Stage
from reconciler.report.paint import Paint
from reconciler.report.values import counted, plural

_HEADS = {
    Fate.BLOCKED: ("Refused there: change or remove these before anything moves", "error"),
    Fate.UNSELECTED: ("Not meant for the new mesh: their `meshes`, `clusters` or groups leave it out", "error"),
    Fate.LOST: ("Lost: left out there", "drift"),
    Fate.PARTLY: ("Done there in part", "drift"),
    Fate.EMULATED: ("Emulated there", "update"),
    Fate.GAINED: ("Gained: asked for, and only the new mesh does it", "good"),
    Fate.LACKING: ("Done by neither", "dim"),
}
_OF_POLICIES = (Fate.BLOCKED, Fate.UNSELECTED)
_MOST_FOREIGN = 20


def migration_text(made: Migration, paint: Paint) -> str:
    counted = Counter(row.fate for row in made.rows)
    told = ", ".join(f"{counted[fate]} {fate}" for fate in Fate if counted[fate]) or "no policy is in force there"
    lines = [paint(f"From {made.old} to {made.new}: {told}", "heading"), ""]
    lines += [paint(f"In the way: {words}", "error") for words in made.problems]
    lines += _foreign(made, paint)
    for fate, (head, role) in _HEADS.items():
        rows = [row for row in made.rows if row.fate is fate]
        if rows:
            worded = _refusals(rows) if fate in _OF_POLICIES else _capabilities(rows)
            lines += [paint(head, role), *(f"  {line}" for line in worded), ""]
    if kept := [row for row in made.rows if row.fate is Fate.KEPT]:
        lines += [paint(f"Kept: {plural(len(kept), 'capability', 'capabilities')} of {_policies(kept)}", "good"), ""]
    for number, stage in enumerate(made.stages, 1):
        lines += _stage(number, stage, paint)
    return "\n".join(lines).rstrip("\n")


def _foreign(made: Migration, paint: Paint) -> Iterator[str]:
    if made.foreign:
        yield paint(
            f"Not from Git: {plural(len(made.foreign), 'object')} of {made.old} that nothing here speaks of", "error"
        )
        yield from (f"  {one.cluster}: {one.key}" for one in made.foreign[:_MOST_FOREIGN])
        if more := len(made.foreign) - _MOST_FOREIGN:
            yield from [f"  and {more} more"] if more > 0 else []
        yield "  make documents of them first: reconciler import --cluster NAME --mesh NAME --into ."
        yield ""
    for cluster, why in sorted(made.unread.items()):
        yield paint(f"{cluster} could not be read, so what it has is not known: {why}", "error")


def _refusals(rows: Sequence[Row]) -> Iterator[str]:
    """By policy and reason: one thing that it asks for stops all of it."""
    for (policy, after), same in _grouped(rows, lambda row: (row.policy, row.after)):
        yield f"{policy}{_where(same)}: {', '.join(sorted({row.capability for row in same}))}"
        if after:
            yield f"    {after}"


def _capabilities(rows: Sequence[Row]) -> Iterator[str]:
    """By capability and how it is done on both meshes."""
    for (capability, before, after), same in _grouped(rows, lambda row: (row.capability, row.before, row.after)):
        yield f"{capability} of {_policies(same)}{_where(same)}"
        yield f"    now:   {before}"
        if after:
            yield f"    there: {after}"


def _grouped(rows: Sequence[Row], key: Callable[[Row], tuple[str, ...]]) -> list[tuple[tuple[str, ...], list[Row]]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return sorted(found.items())


def _where(rows: Sequence[Row]) -> str:
    services = sorted({service.label for row in rows for service in row.services})
    return f" on {counted(services, 'service')}" if services else ""


def _stage(number: int, stage: Stage, paint: Paint) -> Iterator[str]:
    yield paint(f"{number}. {stage.title}", "heading")
    yield from (f"   {words}" for words in stage.words)
    for path, text in stage.files.items():
        yield f"   {'remove' if text is None else 'commit'} {path}"
        yield from (f"     {line}" for line in (text or "").splitlines())
    yield f"   check: {stage.check}"
    yield f"   back:  {stage.back}"
    yield ""


def _policies(rows: Sequence[Row]) -> str:
    return counted(sorted({row.policy for row in rows}), "policy", "policies")


def migration_json(made: Migration) -> dict[str, Any]:
    return {
        "from": made.old,
        "to": made.new,
        "blocked": made.blocked,
        "rows": [
            {
                "policy": row.policy,
                "capability": row.capability,
                "fate": str(row.fate),
                "before": row.before,
                "after": row.after,
                "services": [service.label for service in row.services],
                "clusters": list(row.clusters),
            }
            for row in made.rows
        ],
        "problems": list(made.problems),
        "foreign": [{"cluster": one.cluster, "object": str(one.key)} for one in made.foreign],
        "unread": dict(made.unread),
        "stages": [
            {
                "title": stage.title, "words": list(stage.words), "files": dict(stage.files), "check": stage.check,
                "back": stage.back,
            }
            for stage in made.stages
        ],
    }  # fmt: skip
