"""Why an object differs: a new commit, drift, changed facts or a new engine; decided field by field.

Live differs from what the last applied commit asks: drift, unless nobody but us wrote since we last proved the
two equal. That differs from what the new commit asks: a change. Both can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model import canonical
from reconciler.model.native import FIELD_MANAGER
from reconciler.model.plans import Author, Cause, FieldChange
from reconciler.model.refs import ObjectKey
from reconciler.plan.authors import author_of, owners
from reconciler.plan.comparable import content
from reconciler.plan.compare import Comparison
from reconciler.plan.fields import Difference
from reconciler.plan.mask import Masker
from reconciler.plan.paths import MISSING, Path, dotted, get, related


def word_fields(
    comparison: Comparison, before: Mapping[str, Any] | None, masker: Masker
) -> tuple[tuple[FieldChange, ...], tuple[Cause, ...]]:
    """The differing fields with their causes. ``before``: what the last applied commit asks, comparable; None when
    the object was not among what it asks."""
    untouched = comparison.proof is not None and comparison.proof[1] == comparison.live.resource_version
    causes: set[Cause] = set()
    worded = []
    for difference in comparison.differences:
        released = any(related(difference[0], path) for path in comparison.left_before)
        drift, author = (False, None) if released else _drift(comparison, difference, before, untouched)
        causes |= {Cause.COMMIT} if released else _causes(difference, before, drift)
        worded.append(_field(comparison, difference, masker, (drift, author)))
    return tuple(worded), tuple(sorted(causes or {Cause.COMMIT}))


def whole(key: ObjectKey, body: Mapping[str, Any], op: str, masker: Masker) -> tuple[FieldChange, ...]:
    """All content of an object that comes or goes, part by part (spec, data, ...), masked."""
    parts = content(body, dict)
    shown = {name: masker.value(key, (name,), parts[name]) for name in sorted(parts)}
    return tuple(
        FieldChange(name, op, value if op == "remove" else None, value if op == "add" else None)
        for name, value in shown.items()
    )


def _drift(
    comparison: Comparison, difference: Difference, before: Mapping[str, Any] | None, untouched: bool
) -> tuple[bool, Author | None]:
    path, have, _want = difference
    if before is None or untouched or _same(have, get(before, path)):
        return False, None
    body = comparison.live_body
    author = author_of(path, body, owners(body))
    return author is None or author.manager != FIELD_MANAGER, author


def _causes(difference: Difference, before: Mapping[str, Any] | None, drift: bool) -> set[Cause]:
    path, _have, want = difference
    if before is None:
        return {Cause.COMMIT}
    causes = {Cause.DRIFT} if drift else set()
    if not _same(get(before, path), want):
        causes.add(Cause.COMMIT)
    return causes or {Cause.FACTS}


def _same(left: Any, right: Any) -> bool:
    if left is MISSING or right is MISSING:
        return left is right
    return canonical.equal(left, right)


def _field(
    comparison: Comparison, difference: Difference, masker: Masker, drifted: tuple[bool, Author | None]
) -> FieldChange:
    path, have, want = difference
    drift, author = drifted
    return FieldChange(
        path=dotted(path) or "(whole object)",
        op="add" if have is MISSING else "remove" if want is MISSING else "change",
        before=_shown(comparison, path, have, masker),
        after=_shown(comparison, path, want, masker),
        drift=drift,
        author=author if drift else None,
    )


def _shown(comparison: Comparison, path: Path, value: Any, masker: Masker) -> Any:
    if value is MISSING:
        return None
    return masker.value(comparison.native.key, path, value, (comparison.have, comparison.expected))
