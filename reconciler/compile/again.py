"""A revision after another one, with the same facts: what the changed policies touch is compiled anew, all else is
taken over. It gives what compiling everything gives, and compiles everything where it cannot be sure of that.

The policies that are bound to the changed ones are compiled by themselves twice, as they were and as they are. What
differs between the two is what has to change in the earlier result; it must be found there just so.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from reconciler.adapters.base import Adapter
from reconciler.compile.closure import Policy, Unbounded, closure
from reconciler.compile.state import compile_state
from reconciler.model.documents import DesiredState, View
from reconciler.model.facts import Facts
from reconciler.model.intents import Hold
from reconciler.model.native import Compiled, NativeObject
from reconciler.model.refs import DocRef, ObjectKey, TargetId

_T = TypeVar("_T")
#: of the policies; with more of them it is no shorter way
_MOST = 0.5


class _Elsewhere(Exception):
    """What should have gone from the earlier result is not there, or not alone: something is bound to more."""


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier compilation: what was given, without ages, and what came of it."""

    desired: DesiredState
    facts: Facts
    adapters: Mapping[str, Adapter]
    now: datetime
    compiled: Compiled


def compile_again(
    before: Before, desired: DesiredState, facts: Facts, adapters: Mapping[str, Adapter], now: datetime
) -> Compiled:
    """What ``compile_state`` gives without ages."""
    if _is_comparable(before, desired, facts, adapters):
        try:
            return _after(before, desired, now)
        except (Unbounded, _Elsewhere):
            pass  # everything is compiled
    return compile_state(desired, facts, adapters, now)


def _is_comparable(before: Before, desired: DesiredState, facts: Facts, adapters: Mapping[str, Adapter]) -> bool:
    """Whether nothing but traffic and access policies may have changed, and each policy stands for itself."""
    earlier, made = before.desired, before.compiled
    return (
        before.adapters is adapters
        and before.facts.clusters == facts.clusters
        and not any(mesh.declared for one in facts.clusters.values() for mesh in one.meshes)
        and earlier.settings == desired.settings
        and earlier.clusters == desired.clusters
        and earlier.broken == desired.broken
        and earlier.targets == desired.targets
        and all(_rest(earlier.views[target]) == _rest(desired.views[target]) for target in desired.targets)
        and not any(group.leaves for view in desired.views.values() for group in view.virtual_meshes)
        and not (made.ties or made.rejected or _has_duplicates(made))
        and not (_is_joint(earlier) or _is_joint(desired))
    )


def _rest(view: View) -> View:
    return replace(view, traffic=(), access=())


def _has_duplicates(compiled: Compiled) -> bool:
    return any(finding.code == "object-duplicate" for finding in compiled.findings)


def _is_joint(desired: DesiredState) -> bool:
    """Whether what one member refuses is to be left out on others."""
    words = (policy.on_unsupported for policy in _policies(desired))
    return bool(desired.settings.on_unsupported.all_or_nothing) or any(word.all_or_nothing for word in words)


def _policies(desired: DesiredState) -> Iterable[Policy]:
    """Of all targets; those of targets that read the same once."""
    seen: set[int] = set()
    for view in desired.views.values():
        for several in (view.traffic, view.access):
            if id(several) not in seen:
                seen.add(id(several))
                yield from several


def _after(before: Before, desired: DesiredState, now: datetime) -> Compiled:
    changed = _changed(before, desired, now)
    if not changed:
        return replace(before.compiled, revision=desired.revision)
    given = [*_policies(desired), *(policy for policy in _policies(before.desired) if policy.ref in changed)]
    touched = closure(changed, given)
    if len(touched.refs) > _MOST * len(given) or _is_held(touched.wide, before.compiled):
        raise _Elsewhere
    concerned = touched.takes if touched.wide else None
    facts, adapters = before.facts, before.adapters
    old = compile_state(_only(before.desired, touched.refs), facts, adapters, before.now, None, concerned)
    new = compile_state(_only(desired, touched.refs), facts, adapters, now, None, concerned)
    if _is_held(touched.wide, new):
        raise _Elsewhere
    if new.ties or old.rejected or new.rejected or _has_duplicates(old) or _has_duplicates(new):
        raise _Elsewhere
    return replace(_patched(before.compiled, old, new, len(desired.broken)), revision=desired.revision)


def _is_held(wide: Collection[DocRef], compiled: Compiled) -> bool:
    """Whether a policy that may be about any service is refused somewhere: then it may be refused elsewhere for it."""
    return any(hold.ref in wide for hold in compiled.holds)


def _changed(before: Before, desired: DesiredState, now: datetime) -> set[DocRef]:
    """Policies that read otherwise than before on some target, or have expired since."""
    found: set[DocRef] = set()
    seen: set[tuple[int, int]] = set()
    for target, view in desired.views.items():
        earlier = before.desired.views[target]
        for old, new in ((earlier.traffic, view.traffic), (earlier.access, view.access)):
            if (id(old), id(new)) not in seen:
                seen.add((id(old), id(new)))
                found |= _differing(old, new)
    return found | {
        policy.ref
        for policy in _policies(desired)
        if policy.expires is not None and (before.now < policy.expires) != (now < policy.expires)
    }


def _differing(old: Sequence[Policy], new: Sequence[Policy]) -> set[DocRef]:
    if old is new:
        return set()
    first = _alike(old, new)
    last = _alike(old[:first:-1], new[:first:-1])
    known = {policy.ref: policy for policy in old[first : len(old) - last]}
    others = new[first : len(new) - last]
    same = {policy.ref for policy in others if policy == known.get(policy.ref)}
    return {policy.ref for policy in (*known.values(), *others) if policy.ref not in same}


def _alike(old: Sequence[Policy], new: Sequence[Policy]) -> int:
    """How many at the beginning are equal; most revisions change few policies."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(old), len(new)))


def _only(desired: DesiredState, refs: Collection[DocRef]) -> DesiredState:
    """The state with none but these policies."""
    kept: dict[int, Any] = {}

    def of(policies: Any) -> Any:
        if id(policies) not in kept:
            kept[id(policies)] = tuple(policy for policy in policies if policy.ref in refs)
        return kept[id(policies)]

    views = {
        target: replace(view, traffic=of(view.traffic), access=of(view.access))
        for target, view in desired.views.items()
    }
    return replace(desired, views=views)


def _patched(known: Compiled, old: Compiled, new: Compiled, broken: int) -> Compiled:
    """``broken``: so many holds are about files that cannot be read; they come first and are the same."""
    return Compiled(
        revision=new.revision,
        objects=_objects(known.objects, old.objects, new.objects),
        holds=(
            *known.holds[:broken],
            *_spliced(known.holds[broken:], old.holds[broken:], new.holds[broken:], _hold_key),
        ),
        verdicts=_spliced(
            known.verdicts, old.verdicts, new.verdicts, lambda one: (one.target, one.policy, one.capability)
        ),
        findings=_spliced(known.findings, old.findings, new.findings, lambda one: one.sort_key),
    )


def _hold_key(hold: Hold) -> tuple[TargetId | None, str]:
    return (hold.target, str(hold.ref))


_ByTarget = Mapping[TargetId, tuple[NativeObject, ...]]


def _objects(known: _ByTarget, old: _ByTarget, new: _ByTarget) -> _ByTarget:
    found = {target: _spliced(mine, old[target], new[target], _key) for target, mine in known.items()}
    for target, mine in found.items():
        if mine is not known[target]:
            came = {one.key for one in new[target]}
            others = (other for other in found if other.cluster == target.cluster and other != target)
            if any(_has(found[other], key) for other in others for key in came):
                raise _Elsewhere  # two meshes would write the same object
    return found


def _key(one: NativeObject) -> ObjectKey:
    return one.key


def _has(objects: Sequence[NativeObject], key: ObjectKey) -> bool:
    at = bisect_left(objects, key, key=_key)
    return at < len(objects) and objects[at].key == key


def _spliced(known: tuple[_T, ...], old: Sequence[_T], new: Sequence[_T], key: Callable[[_T], Any]) -> tuple[_T, ...]:
    """``known`` (sorted by key, as the others) with what of ``old`` is otherwise in ``new``."""
    gone, come = _grouped(old, key), _grouped(new, key)
    parts: list[tuple[_T, ...]] = []
    done = 0
    for place in sorted(one for one in gone.keys() | come.keys() if gone.get(one) != come.get(one)):
        start = bisect_left(known, place, key=key)
        end = bisect_right(known, place, lo=start, key=key)
        if known[start:end] != tuple(gone.get(place, ())):
            raise _Elsewhere
        parts += [known[done:start], tuple(come.get(place, ()))]
        done = end
    return tuple(chain.from_iterable((*parts, known[done:]))) if parts else known


def _grouped(items: Iterable[_T], key: Callable[[_T], Any]) -> dict[Any, list[_T]]:
    found: dict[Any, list[_T]] = {}
    for one in items:
        found.setdefault(key(one), []).append(one)
    return found
