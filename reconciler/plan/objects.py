"""The change of one object: created, updated, replaced, kept or pruned, and what stands against it by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from reconciler.model import canonical
from reconciler.model.findings import NOWHERE
from reconciler.model.intents import Origin
from reconciler.model.live import LiveCluster, LiveObject, Prediction
from reconciler.model.native import ORIGIN_ANNOTATION, SOURCE_ANNOTATION, NativeKind, NativeObject
from reconciler.model.plans import Action, Cause, Change, Reason
from reconciler.model.refs import DocRef, KindId, ObjectKey, TargetId
from reconciler.plan.authors import is_ours
from reconciler.plan.causes import whole, word_fields
from reconciler.plan.comparable import content
from reconciler.plan.compare import Comparison, Setting, asked_before, desired_hash
from reconciler.plan.lent import bare, foreign, state_of, taken, taken_off
from reconciler.plan.mask import Masker
from reconciler.plan.paths import pointer
from reconciler.plan.stamp import origin_refs, stamp, with_commit
from reconciler.plan.structural import lost


@dataclass(frozen=True, slots=True)
class Place:
    """One target's side of the comparison: ``previous`` is what the last commit applied here asked."""

    target: TargetId
    setting: Setting
    live: LiveCluster
    previous: Mapping[ObjectKey, NativeObject]
    masker: Masker
    adopt: frozenset[ObjectKey]
    replace_allowed: bool
    in_git: bool = True  # whether Git has the target at all
    documents: Collection[DocRef] = ()  # all that Git has
    coming: Collection[KindId] = ()  # kinds whose definitions are asked for here


def compared(native: NativeObject, found: LiveObject, setting: Setting, live: LiveCluster) -> Comparison:
    """The comparison of one object with all that was observed about it."""
    version = native.api_version.rpartition("/")[2]
    return Comparison(
        native,
        found,
        setting,
        live.schemas.get((native.key.kind_id, version)),
        live.predictions.get(native.key),
        live.proven.get(native.key),
    )


def change_for(native: NativeObject, place: Place) -> Change:
    """What a desired object asks for here, before modes, holds and guards. A field that the server would drop is no
    difference to what lives, and still not there: then the object is not as asked."""
    change = _change_for(native, place)
    unserved = () if change.withheld is not None or _is_proven(change, place) else _unserved(native, place)
    if not unserved:
        return change
    why = f"the cluster's {native.api_version} {native.key.kind} has no field {', '.join(unserved)}: it would be lost"
    if not change.pending:
        change = replace(change, action=Action.UPDATE, causes=(Cause.COMMIT,))
    return replace(change, withheld=Reason.REFUSED, why=why)


def _is_proven(change: Change, place: Place) -> bool:
    return not change.pending and place.live.proven.get(change.key) == (change.desired_hash, change.resource_version)


def _unserved(native: NativeObject, place: Place) -> tuple[str, ...]:
    """Fields that the server would silently drop."""
    schema = place.live.schemas.get((native.key.kind_id, native.api_version.rpartition("/")[2]))
    return lost(native.body, schema) if schema is not None else ()


def _change_for(native: NativeObject, place: Place) -> Change:
    found = place.live.objects.get(native.key)
    if native.key.kind_id in place.live.absent and native.key.kind_id not in place.coming:
        return _absent_kind(native, place)
    if found is None:
        return _missing(native, place) if native.lent else _create(native, place)
    comparison = compared(native, found, place.setting, place.live)
    standing, why = _lent(native, found, place) if native.lent else ownership(found, place)
    if standing is not None and native.key not in place.adopt:
        return _stopped(_update(comparison, place), standing, why)
    change = _update(comparison, place)
    return replace(change, adopt=standing is not None) if change.pending else change


def ownership(found: LiveObject, place: Place) -> tuple[Reason | None, str]:
    """Why an existing object is not ours to write; (None, "") when it is."""
    mark = place.setting.mark
    if found.lent:
        return Reason.UNOWNED, f"it is somebody else's, with keys of ours ({found.mesh})"
    owner, source = found.owner, found.annotations.get(SOURCE_ANNOTATION, "")
    if owner == mark.owner:
        if mark.source and source and source not in (mark.source, *mark.former):
            return Reason.FOREIGN_OWNER, f"another repository with the owner id {owner} owns it"
        if is_ours(found) is False:
            return Reason.UNOWNED, "it carries our labels but we never wrote it (copied from another object?)"
        return None, ""
    if owner:
        return Reason.FOREIGN_OWNER, f"the reconciler {owner} owns it"
    if is_ours(found):
        return None, ""
    return Reason.UNOWNED, "it exists and is not ours; list it in adopt[], or say unowned: Adopt"


def _lent(native: NativeObject, found: LiveObject, place: Place) -> tuple[Reason | None, str]:
    """Why keys may not be put on somebody else's object. What is wrong with its marks cannot be adopted."""
    standing = foreign(found, place.setting.mark, ours=is_ours(found))
    return standing if standing[0] is not None else taken(native, found, place.previous.get(native.key))


def has_keys(found: LiveObject, place: Place) -> bool:
    """Whether somebody else's object carries keys that we put there for this target."""
    mark = place.setting.mark
    return found.lent and found.owner == mark.owner and foreign(found, mark, ours=is_ours(found))[0] is None


def _missing(native: NativeObject, place: Place) -> Change:
    """Somebody else's object that is not there: nothing is created in its place."""
    why = "it is not ours to create: our keys are put on it once it is there, or not at all when nothing asks for them"
    return replace(_create(native, place), action=Action.UPDATE, withheld=Reason.ABSENT, why=why)


def _stopped(change: Change, reason: Reason, why: str) -> Change:
    """Not ours: whatever the difference, it is not written; without one it is still ours to ask for."""
    action = change.action if change.pending else Action.UPDATE
    return replace(change, action=action, withheld=reason, why=why)


def _absent_kind(native: NativeObject, place: Place) -> Change:
    why = f"the cluster serves no {native.key.kind_id}: install the mesh's CustomResourceDefinitions"
    return replace(_create(native, place), withheld=Reason.KIND_ABSENT, why=why)


def _create(native: NativeObject, place: Place) -> Change:
    body = stamp(native, place.setting.mark)
    deleted_by_hand = native.key in place.previous and native.key in place.live.proven
    facts = native.key in place.previous and not deleted_by_hand
    change = Change(
        target=place.target,
        action=Action.CREATE,
        key=native.key,
        kind=native.kind,
        origins=native.origins,
        causes=(Cause.DRIFT,) if deleted_by_hand else (Cause.FACTS,) if facts else (Cause.COMMIT,),
        fields=whole(native.key, native.body, "add", place.masker),
        desired=body,
        after_hash=canonical.digest(with_commit(body, "")),
        desired_hash=desired_hash(native, place.setting),
        lent=native.lent,
    )
    return _refused(change, place.live.predictions.get(native.key), place)


def _update(comparison: Comparison, place: Place) -> Change:
    native, found = comparison.native, comparison.live
    base = Change(
        target=place.target,
        action=Action.KEEP,
        key=native.key,
        kind=native.kind,
        origins=native.origins,
        desired_hash=comparison.desired_hash,
        resource_version=found.resource_version,
        uid=found.uid,
        lent=native.lent,
    )
    if not comparison.differences and not _refusal(comparison):
        return base
    before = place.previous.get(native.key)
    fields, causes = word_fields(comparison, asked_before(comparison, before) if before else None, place.masker)
    change = replace(
        base,
        action=Action.UPDATE,
        causes=causes,
        fields=fields,
        desired=with_commit(comparison.desired, place.setting.mark.commit),
        before_hash=canonical.digest(comparison.have),
        after_hash=canonical.digest(comparison.expected),
        foreign_paths=tuple(pointer(path) for path in comparison.foreign),
    )
    return _refused(change, comparison.prediction, place)


def _refusal(comparison: Comparison) -> bool:
    return comparison.prediction is not None and bool(comparison.prediction.error) and not comparison.proven


def _refused(change: Change, prediction: Prediction | None, place: Place) -> Change:
    if prediction is None or not prediction.error:
        return change
    if prediction.immutable and change.action is Action.UPDATE:
        if place.replace_allowed:
            return replace(change, action=Action.REPLACE)
        why = f"a field cannot change in place: {prediction.error}; say replace: Allow to delete and create it anew"
        return replace(change, withheld=Reason.IMMUTABLE, why=why)
    return replace(change, withheld=Reason.REFUSED, why=prediction.error)


def prune_of(found: LiveObject, kind: NativeKind, place: Place) -> Change:
    """The removal of an object of ours that nothing asks for any more; of somebody else's, that of our keys."""
    made_from = contributors(found)
    gone = bool(made_from) and not any(ref in place.documents for ref in made_from)
    by_commit = gone or not place.in_git or found.key in place.previous or found.key not in place.live.proven
    body = found.body()
    return Change(
        target=place.target,
        action=Action.PRUNE,
        key=found.key,
        kind=kind,
        origins=tuple(Origin(ref, NOWHERE) for ref in made_from),
        causes=(Cause.COMMIT,) if by_commit else (Cause.FACTS,),
        fields=taken_off(body) if found.lent else whole(found.key, body, "remove", place.masker),
        desired=bare(body) if found.lent else None,
        before_hash=state_of(body) if found.lent else canonical.digest(body.get("spec", {})),
        resource_version=found.resource_version,
        uid=found.uid,
        foreign_paths=() if found.lent else _of_others(found, kind, place),
        lent=found.lent,
    )


def _of_others(found: LiveObject, kind: NativeKind, place: Place) -> tuple[str, ...]:
    """What others say in an object that they have a part in, too, and would lose with it."""
    before = place.previous.get(found.key)
    ours = {*kind.parts, *(before.body.get("spec") or {} if before else {})}
    said = content(found.body(), place.setting.normalize).get("spec") or {} if kind.parts else {}
    return tuple(pointer(("spec", name)) for name in sorted(said.keys() - ours))


def contributors(found: LiveObject) -> tuple[DocRef, ...]:
    """The documents that a live object says it was made from."""
    return origin_refs(found.annotations.get(ORIGIN_ANNOTATION, ""))
