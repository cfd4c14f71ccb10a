"""What became of imported objects, as text for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.model.imports import Back, Fate, Import, Taken
from reconciler.report.paint import Paint

_FATES = (Fate.NEUTRAL, Fate.NATIVE, Fate.OBJECT, Fate.SKIPPED)
_ROLES = {Fate.NEUTRAL: "good", Fate.NATIVE: "good", Fate.OBJECT: "update", Fate.SKIPPED: "dim"}


def import_text(made: Import, paint: Paint) -> str:
    """A table by kind, then each object that is not said in neutral words, or does not come back as it is."""
    lines = [*_table(made.taken, paint)]
    lines += _several("Kept as it is, in an Extension document", _of(made, Fate.OBJECT), paint, lambda one: one.reason)
    lines += _several("Not taken over", _of(made, Fate.SKIPPED), paint, lambda one: one.reason)
    lines += _several(
        "The same in another spelling, which adopting writes once", _back(made, Back.RESPELLED), paint, _remarks
    )
    lines += _several(
        "The same under another name: remove the old one when the new ones are there",
        _back(made, Back.RENAMED),
        paint,
        lambda one: ", ".join(str(key) for key in one.becomes),
    )
    told = [one for one in made.taken if one.remarks and one.back in (Back.SAME, Back.RENAMED)]
    lines += _several("With a remark", told, paint, _remarks)
    for kind, reason in made.unread.items():
        lines.append(paint(f"{kind} could not be read: {reason}", "error"))
    return "\n".join(lines)


def _table(taken: Sequence[Taken], paint: Paint) -> Iterable[str]:
    kinds = sorted({one.key.kind for one in taken})
    head = ("KIND", *(fate.value.upper() for fate in _FATES))
    rows = [(kind, *(_count(taken, kind, fate) for fate in _FATES)) for kind in kinds]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    yield paint("  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)).rstrip(), "heading")
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _count(taken: Sequence[Taken], kind: str, fate: Fate) -> str:
    return str(sum(one.key.kind == kind and one.fate is fate for one in taken) or "-")


def _of(made: Import, fate: Fate) -> list[Taken]:
    return [one for one in made.taken if one.fate is fate]


def _back(made: Import, back: Back) -> list[Taken]:
    return [one for one in made.taken if one.back is back and one.fate in (Fate.NEUTRAL, Fate.NATIVE)]


def _remarks(one: Taken) -> str:
    return "; ".join(one.remarks)


def _several(title: str, found: Sequence[Taken], paint: Paint, why: Any) -> list[str]:
    """One line for each reason: with the object, or the number of them where it is one of many."""
    if not found:
        return []
    lines = ["", paint(f"{title} ({len(found)})", "heading")]
    by_reason: dict[tuple[str, str], list[Taken]] = {}
    for one in found:
        by_reason.setdefault((one.key.kind, why(one)), []).append(one)
    for (kind, reason), several in sorted(by_reason.items()):
        named = str(several[0].key) if len(several) == 1 else f"{kind} ({len(several)}): {_names(several)}"
        lines.append(f"  {named}" + (paint(f"  {reason}", "dim") if reason else ""))
    return lines


def _names(several: Sequence[Taken], most: int = 4) -> str:
    names = [f"{one.key.namespace}/{one.key.name}".lstrip("/") for one in several]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def import_json(made: Import) -> dict[str, Any]:
    return {
        "target": str(made.target),
        "objects": [_taken_json(one) for one in made.taken],
        "files": dict(sorted(made.files.items())),
        "unread": dict(made.unread),
    }


def _taken_json(one: Taken) -> dict[str, Any]:
    return {
        "object": {"group": one.key.group, "kind": one.key.kind, "namespace": one.key.namespace, "name": one.key.name},
        "fate": one.fate.value,
        "comesBack": one.back.value,
        "documents": [str(ref) for ref in one.documents],
        "file": one.path,
        "reason": one.reason,
        "remarks": list(one.remarks),
        "becomes": [str(key) for key in one.becomes],
    }
