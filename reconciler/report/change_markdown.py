"""One change as Markdown: a heading, where it comes from, and its fields as a ``diff`` block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.plans import Action, Change, FieldChange
from reconciler.report.markdown import code, fenced, prose
from reconciler.report.plan_text import SIGNS, author_text
from reconciler.report.values import LONGEST, block, word


def heading(change: Change) -> str:
    """``#### ~ Kind namespace/name``."""
    whose = " (our keys only: the object is somebody else's)" if change.lent else ""
    return f"#### {SIGNS[change.action]} {code(str(change.key))}{whose}"


def why_withheld(change: Change) -> Iterator[str]:
    if change.withheld:
        yield f"withheld ({change.withheld}): {prose(change.why)}"


def diff_block(change: Change, fields: Sequence[FieldChange], longest: int = LONGEST) -> list[str]:
    """The fields, a line or more each; what comes or goes whole is shown as YAML. No lines without fields."""
    rows = list(_rows(change, fields, longest))
    return fenced(rows) if rows else []


def _rows(change: Change, fields: Iterable[FieldChange], longest: int) -> Iterator[str]:
    for field in fields:
        if change.action in (Action.CREATE, Action.PRUNE) and field.op in ("add", "remove"):
            yield from _whole(field, longest)
            continue
        if field.op != "add":
            yield f"- {field.path}: {word(field.before, longest)}"
        if field.op != "remove":
            yield f"+ {field.path}: {word(field.after, longest)}"
        if field.drift:
            yield f"# drift: {author_text(field)}"


def _whole(field: FieldChange, longest: int) -> Iterator[str]:
    sign, value = ("+", field.after) if field.op == "add" else ("-", field.before)
    for line in block({field.path: value}):
        yield f"{sign} {line}" if len(line) <= longest else f"{sign} {line[: longest - 1]}…"
