"""``build_plan``: compiled and live in, plan out. The narrative of planning; the steps are in the modules beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model import canonical
from reconciler.model.documents import DesiredState
from reconciler.model.live import LiveObject, LiveState
from reconciler.model.native import Compiled, NativeObject
from reconciler.model.plans import Action, Change, Plan, TargetPlan
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.model.settings import Mode
from reconciler.plan.compare import Setting
from reconciler.plan.foreign import against, overruled, rivals
from reconciler.plan.guards import Owned, guard
from reconciler.plan.installed import defined_kinds, filled_in, is_control_plane, spares_control_plane
from reconciler.plan.mask import Masker
from reconciler.plan.objects import Place, change_for, has_keys, ownership, prune_of
from reconciler.plan.rules import Behaviour, MadeFrom, PlanRules, adoptable, is_read_only, mode_of, suspended
from reconciler.plan.stamp import Mark
from reconciler.plan.withhold import Withholding, withhold

Previous = Mapping[TargetId, Sequence[NativeObject]]


@dataclass(frozen=True, slots=True)
class _Given:
    """What the plans of all targets are made from."""

    desired: DesiredState
    compiled: Compiled
    previous: Previous
    live: LiveState
    rules: PlanRules
    masker: Masker


def build_plan(
    desired: DesiredState, compiled: Compiled, previous: Previous, live: LiveState, rules: PlanRules
) -> Plan:
    """The plan for every target that is selected: what is asked compared with what lives there.

    ``previous`` holds, per target, what the last commit applied there asks (compiled with the same facts);
    a target without an entry was never applied to.
    """
    given = _Given(desired, compiled, previous, live, rules, _masker(rules))
    targets = [_plan_target(target, given) for target in planned_targets(desired, live, rules)]
    return Plan(
        revision=desired.revision,
        targets=tuple(targets),
        findings=compiled.findings,
        verdicts=compiled.verdicts,
        fingerprint=fingerprint(targets),
    )


def _masker(rules: PlanRules) -> Masker:
    return Masker((*rules.settings.redact, *rules.masking.redact), rules.masking.marks)


def planned_targets(desired: DesiredState, live: LiveState, rules: PlanRules) -> tuple[TargetId, ...]:
    """The targets of Git, and those gone from it where objects of ours still live; as selected."""
    wanted = set(desired.targets)
    for name, cluster in live.clusters.items():
        ours = (found.mesh for found in cluster.objects.values() if found.owner == rules.settings.owner)
        wanted |= {TargetId(name, mesh) for mesh in set(ours) if mesh}
    chosen = rules.selection.targets
    return tuple(sorted(target for target in wanted if chosen is None or target in chosen))


def setting_for(target: TargetId, desired: DesiredState, rules: PlanRules) -> Setting:
    """How objects of a target are compared."""
    mark = Mark(rules.settings.owner, target.mesh, rules.source, desired.revision, rules.former_sources)
    mesh_type = desired.mesh(target).type if target in desired.views else ""
    behaviour = rules.behaviours.get(mesh_type)
    ignore = rules.settings.ignore
    before = rules.ignored_before.get(target, ignore)
    filled = filled_in(desired.mesh(target)) if target in desired.views else ()
    normalize = behaviour.normalize if behaviour else dict
    return Setting(mark, normalize, (*ignore, *filled), (*before, *filled), rules.digests)


def fingerprint(targets: Sequence[TargetPlan]) -> str:
    """Covers every pending change: where, what, and the states before and after. No commit, file or time."""
    rows = [
        [
            str(target.target),
            str(change.action),
            str(change.key),
            change.before_hash,
            change.after_hash,
            str(change.withheld or ""),
        ]
        for target in targets
        for change in target.changes
        if change.pending
    ]
    return canonical.digest(rows)


def _plan_target(target: TargetId, given: _Given) -> TargetPlan:
    mode = mode_of(target, given.desired, given.rules.settings)
    if error := _cannot_plan(target, given):
        return TargetPlan(target, mode, error=error, read_only=is_read_only(target, given.desired))
    of, quiet = _made_from(target, given), given.rules.quiet
    known = quiet.get(target)
    if known is not None and known[0].is_as(of):
        return known[1]
    made = _new_plan(target, given, mode)
    quiet.pop(target, None)
    if not any(change.pending for change in made.changes):
        quiet[target] = (of, made)
    return made


def _made_from(target: TargetId, given: _Given) -> MadeFrom:
    """Everything but the time, which matters only by who is suspended."""
    rules = given.rules
    large = (given.desired, given.compiled.objects, given.live.clusters[target.cluster], rules.settings)
    small = (
        given.previous.get(target),
        given.compiled.holds,
        suspended(target, given.desired, rules),
        target.cluster in rules.stale_clusters,
        rules.fights.get(target),
        rules.target_guards.get(target, rules.guards),
        rules.source,
        rules.behaviours,
        rules.kinds,
        rules.selection,
    )
    return MadeFrom(large, small)


def _new_plan(target: TargetId, given: _Given, mode: Mode) -> TargetPlan:
    desired, rules = given.desired, given.rules
    wanted = given.compiled.objects.get(target, ())
    place = Place(
        target=target,
        setting=setting_for(target, desired, rules),
        live=given.live.clusters[target.cluster],
        previous={native.key: native for native in given.previous.get(target, ())},
        masker=given.masker,
        adopt=frozenset(native.key for native in wanted if adoptable(native.key, rules.settings)),
        replace_allowed=rules.settings.replace_immutable,
        in_git=target in desired.views,
        documents=desired.documents.keys(),
        coming=defined_kinds(given.compiled, target.cluster),
    )
    changes = [change_for(native, place) for native in wanted]
    behaviour = _behaviour(target, desired, rules)
    others = behaviour.rivals if behaviour else frozenset()
    found = rivals(wanted, place, behaviour.claims if behaviour else None, others)
    changes = [against(change, found, others) for change in changes]
    changes.extend(_prunes(given, place))
    settled = _settle(changes, place, given, mode)
    return replace(settled, health=overruled(settled.changes, found, others)) if found else settled


def _cannot_plan(target: TargetId, given: _Given) -> str:
    if target.cluster in given.live.unreachable:
        return given.live.unreachable[target.cluster]
    if target.cluster not in given.live.clusters:
        return f"cluster {target.cluster} was not read"
    if target in given.desired.views and target not in given.compiled.objects:
        return "nothing could be compiled for it: its facts are not known"
    return ""


def _behaviour(target: TargetId, desired: DesiredState, rules: PlanRules) -> Behaviour | None:
    return rules.behaviours.get(desired.mesh(target).type) if target in desired.views else None


def _prunes(given: _Given, place: Place) -> list[Change]:
    rules = given.rules
    asked = {
        native.key
        for target, natives in given.compiled.objects.items()
        if target.cluster == place.target.cluster
        for native in natives
    }
    spares = spares_control_plane(place.target, given.desired)
    return [
        prune_of(found, rules.kinds[key.kind_id], place)
        for key, found in sorted(place.live.objects.items())
        if key not in asked
        and key.kind_id in rules.kinds
        and is_owned_here(found, place)
        and not (spares and is_control_plane(found))
    ]


def is_owned_here(found: LiveObject, place: Place) -> bool:
    """Ours by label, of this target, of this repository, and written by us; or somebody else's with such keys."""
    mark = place.setting.mark
    if found.owner != mark.owner or found.mesh != place.target.mesh:
        return False
    return has_keys(found, place) if found.lent else ownership(found, place)[0] is None


def _settle(changes: list[Change], place: Place, given: _Given, mode: Mode) -> TargetPlan:
    target, desired, rules = place.target, given.desired, given.rules
    why_suspended = suspended(target, desired, rules)
    withholding = Withholding(
        mode=mode,
        read_only=is_read_only(target, desired),
        suspended=why_suspended,
        self_heal=rules.settings.self_heal,
        prune=rules.settings.prune,
        partial=_partial(place, given),
        unread=place.live.unread,
        holds=tuple(hold for hold in given.compiled.holds if hold.target in (None, target)),
        live=place.live.objects,
        selection=rules.selection,
        fights=rules.fights.get(target, {}),
        rejected=rules.rejected,
    )
    settled = [withhold(change, withholding) for change in changes]
    owned = [key for key, found in place.live.objects.items() if found.owner == place.setting.mark.owner
             and found.mesh == target.mesh]  # fmt: skip
    behaviour = _behaviour(target, desired, rules)
    ours = Owned(owned, behaviour.copy_of) if behaviour else Owned(owned)
    guarded = guard(target, settled, ours, rules.target_guards.get(target, rules.guards))
    return TargetPlan(
        target=target,
        mode=mode,
        changes=guarded.changes,
        read_only=is_read_only(target, desired),
        stale=target.cluster in rules.stale_clusters,
        guard_fingerprint=guarded.fingerprint,
        guards=guarded.guards,
        suspended=why_suspended,
        proven=_proven(guarded.changes, place),
    )


def _partial(place: Place, given: _Given) -> str:
    """Why nothing may be pruned on a target, or ""."""
    target = place.target
    if place.live.unread:
        kinds = ", ".join(sorted(str(kind) for kind in place.live.unread))
        return f"the cluster could not be read wholly ({kinds})"
    if target.cluster in given.rules.stale_clusters:
        return "the facts of the cluster are remembered, not read"
    blind = next((hold for hold in given.compiled.holds if hold.ref is None and hold.target in (None, target)), None)
    if blind is not None:
        return blind.reason
    inventory = {"Cluster", "Mesh", "VirtualMesh", "Destination", "Reconciler"}
    broken = next((item for item in given.desired.broken if item.ref is None or item.ref.kind in inventory), None)
    return f"{broken.path} is broken: {broken.finding}" if broken else ""


def _proven(changes: Sequence[Change], place: Place) -> dict[ObjectKey, tuple[str, str]]:
    """The pairs that this comparison proved equal, to be remembered; older ones of objects that now differ are kept
    so that the next plan can still tell whether anybody else wrote."""
    proven = {}
    for change in changes:
        found = place.live.objects.get(change.key)
        if change.action is Action.KEEP and found is not None:
            proven[change.key] = (change.desired_hash, found.resource_version)
        elif change.key in place.live.proven:
            proven[change.key] = place.live.proven[change.key]
    return proven
