"""What whoever approves a pull request has to look at first, and where in the policies it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.adapters.base import Adapter
from reconciler.model.documents import DesiredState
from reconciler.model.findings import Finding, Severity
from reconciler.model.native import Compiled, NativeObject, Verdict
from reconciler.model.plans import BLOCKING, Action, Reason
from reconciler.model.refs import DocRef, ObjectKey, TargetId
from reconciler.model.reviews import Alert, AlertKind, Place, Reviewed, TargetReview
from reconciler.pipeline.places import Places
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.preview import Previewed
from reconciler.report.values import plural

#: findings that say that two documents are against each other
CONFLICTS = frozenset(
    {
        "actions-contradict", "authorizer-conflict", "destination-twice", "duplicate-document", "ingress-host-taken",
        "ingress-route-twice", "mtls-overlap", "object-duplicate", "policy-conflict", "port-taken", "reach-overlap",
        "scopes-overlap", "shared-folder", "subset-conflict", "tokens-differ",
    }
)  # fmt: skip
CUT_OFF = frozenset({"access-cut-off", "scope-cut-off"})
_ORDER = {kind: number for number, kind in enumerate(AlertKind)}
#: told by alerts of their own
_SPOKEN = frozenset({Reason.GUARD, Reason.PROTECTED, Reason.REJECTED})


@dataclass(frozen=True)
class Compared:
    """All that alerts are found in. ``findings`` are the new ones."""

    desired: DesiredState
    old: DesiredState
    offline: Previewed
    planned: Planned
    findings: tuple[Finding, ...]
    places: Places
    adapters: Mapping[str, Adapter]


def alerts(compared: Compared, targets: Sequence[TargetReview]) -> tuple[Alert, ...]:
    """The gravest kind first, then by target."""
    found = [
        *_from_findings(compared),
        *_rejected(compared),
        *(alert for target in targets for alert in _from_target(target)),
        *_last_routes(compared, {target.target: target for target in targets}),
        *_left_alone(compared),
        *_refused(compared),
    ]
    return tuple(sorted(found, key=lambda one: (_ORDER[one.kind], str(one.target or ""), one.text)))


def _from_findings(compared: Compared) -> Iterator[Alert]:
    for finding in compared.findings:
        kind = _kind(finding)
        if kind is not None:
            position = finding.position
            places = (compared.places.at(position),) if position.path else ()
            yield Alert(kind, finding.message, finding.target, (), places, finding.hint)


def _kind(finding: Finding) -> AlertKind | None:
    if finding.severity is Severity.ERROR:
        return AlertKind.CONFLICT if finding.code in CONFLICTS else AlertKind.ERROR
    if finding.code in CUT_OFF:
        return AlertKind.CUT_OFF
    return AlertKind.CONFLICT if finding.code in CONFLICTS else None


def _rejected(compared: Compared) -> Iterator[Alert]:
    for finding in compared.planned.compiled.rejected[:1]:
        places = (compared.places.at(finding.position),) if finding.position.path else ()
        yield Alert(AlertKind.REJECTED, f"nothing of this would be written: {finding.message}", None, (), places)


def _from_target(target: TargetReview) -> Iterator[Alert]:
    if target.error:
        yield Alert(AlertKind.UNREAD, f"what lives there is not known: {target.error}", target.target)
    if target.guards:
        hint = f"to confirm: a commit with the trailer Reconciler-Confirm: {target.confirm}" if target.confirm else ""
        yield Alert(AlertKind.GUARD, "; ".join(target.guards), target.target, hint=hint)
    yield from _of(target, AlertKind.DELETE, "would be deleted", lambda one: one.change.action is Action.PRUNE)
    yield from _of(
        target, AlertKind.REPLACE, "would be deleted and created anew", lambda one: one.change.action is Action.REPLACE
    )
    yield from _withheld(target)


def _of(target: TargetReview, kind: AlertKind, words: str, wanted: Callable[[Reviewed], bool]) -> Iterator[Alert]:
    found = [one for one in target.caused if wanted(one)]
    reasons = sorted({str(one.change.withheld) for one in found if one.change.withheld})
    if found:
        text = f"{plural(len(found), 'object')} {words}"
        stopped = sum(1 for one in found if one.change.withheld)
        text += f"; {stopped} of them withheld ({', '.join(reasons)})" if stopped else ""
        yield Alert(kind, text, target.target, tuple(str(one.change.key) for one in found), _places(found))


def _withheld(target: TargetReview) -> Iterator[Alert]:
    """What this change asks and would not be written, by reason."""
    groups: dict[tuple[Reason, str], list[Reviewed]] = {}
    for one in target.caused:
        if one.change.withheld in BLOCKING and one.change.withheld not in _SPOKEN:
            assert one.change.withheld is not None
            groups.setdefault((one.change.withheld, one.change.why), []).append(one)
    for (reason, why), found in groups.items():
        items = tuple(str(one.change.key) for one in found)
        yield Alert(AlertKind.WITHHELD, f"would not be written ({reason}): {why}", target.target, items, _places(found))


def _places(found: Iterable[Reviewed]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(place for one in found for place in one.places))


def _last_routes(compared: Compared, targets: Mapping[TargetId, TargetReview]) -> Iterator[Alert]:
    """Hosts that an object of the base routes and none of the head does, unless what routed them stays all the same."""
    before, after = compared.offline.before, compared.offline.planned.compiled
    for target in sorted(before.objects):
        if target not in compared.desired.views or target not in after.objects:
            continue
        stays = _stays(targets[target])
        routed = _routed(before, target, compared.old, compared.adapters)
        left = _routed(after, target, compared.desired, compared.adapters)
        for host in sorted(routed.keys() - left.keys()):
            objects = [native for native in routed[host] if native.key not in stays]
            refs = dict.fromkeys(origin.ref for native in objects for origin in native.origins)
            places = tuple(dict.fromkeys(place for ref in refs for place in compared.places.of_document(ref)))
            if len(objects) == len(routed[host]):
                yield Alert(AlertKind.LAST_ROUTE, f"the last route of host {host} would be removed", target, (), places)


def _stays(target: TargetReview) -> set[ObjectKey]:
    """What is not deleted for another reason than that somebody has to confirm it or that nothing is written at all."""
    passing = (None, Reason.GUARD, Reason.PROTECTED, Reason.REPORT_MODE, Reason.READ_ONLY, Reason.SUSPENDED)
    return {one.change.key for one in target.caused if one.change.withheld not in passing}


def _routed(
    compiled: Compiled, target: TargetId, desired: DesiredState, adapters: Mapping[str, Adapter]
) -> dict[str, list[NativeObject]]:
    adapter = adapters.get(desired.mesh(target).type)
    found: dict[str, list[NativeObject]] = {}
    for native in compiled.objects[target] if adapter else ():
        assert adapter is not None
        for host in adapter.routed(native.body):
            found.setdefault(host, []).append(native)
    return found


def _left_alone(compared: Compared) -> Iterator[Alert]:
    """Clusters that leave Git without being emptied first."""
    for name in sorted(compared.old.clusters.keys() - compared.desired.clusters.keys()):
        if compared.old.clusters[name].prune_when_removed:
            continue
        objects = compared.offline.before.objects
        count = sum(len(natives) for target, natives in objects.items() if target.cluster == name)
        text = f"cluster {name} leaves Git, and what we wrote there stays as it is ({count} objects)"
        yield Alert(AlertKind.LEFT_ALONE, text, hint="onRemoved: Prune in a commit before it removes them")


def _refused(compared: Compared) -> Iterator[Alert]:
    """What a mesh refuses now and did not before."""
    known = {_gist(one) for one in compared.offline.before.verdicts}
    groups: dict[tuple[TargetId, str, str], list[Verdict]] = {}
    for one in compared.planned.compiled.verdicts:
        if one.action == "Refused" and _gist(one) not in known:
            groups.setdefault((one.target, one.policy, one.note), []).append(one)
    for (target, policy, note), several in groups.items():
        capabilities = ", ".join(sorted({one.capability for one in several}))
        services = tuple(sorted({ref.label for one in several for ref in one.destinations}))
        text = f"{policy} is refused for {capabilities}: {note}"
        yield Alert(AlertKind.REFUSED, text, target, services, _policy(policy, compared))


def _gist(one: Verdict) -> tuple[object, ...]:
    return (one.target, one.policy, one.capability, one.action, one.destinations)


def _policy(name: str, compared: Compared) -> tuple[Place, ...]:
    try:
        return compared.places.of_document(DocRef.parse(name))
    except ValueError:
        return ()
