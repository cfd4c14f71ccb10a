"""The steps of a move between two meshes: side by side, namespace by namespace, and the old one taken out of Git."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.documents import DesiredState
from reconciler.model.facts import Facts
from reconciler.model.meshes import Mesh
from reconciler.model.migrations import Stage
from reconciler.model.native import Compiled
from reconciler.model.refs import DocRef, TargetId
from reconciler.pipeline.moved import missing
from reconciler.report.values import plural

_STRICT = "Strict"
_MOST = 3


@dataclass(frozen=True, slots=True)
class Moving:
    """``added``: the file of the new mesh, where Git has none yet."""

    old: Mesh
    new: str
    added: Mapping[str, str]
    pairs: tuple[tuple[TargetId, TargetId], ...]
    namespaces: tuple[str, ...] = ()

    @property
    def elsewhere(self) -> bool:
        """Whether the new mesh is in other clusters than the old one."""
        return all(old.cluster != new.cluster for old, new in self.pairs)


def stages(moving: Moving, desired: DesiredState, facts: Facts, now: Compiled, then: Compiled) -> tuple[Stage, ...]:
    """``now`` and ``then``: compiled before the namespaces move, and as if they had."""
    return (_beside(moving, desired), *_shifts(moving, desired, facts, now, then), _removal(moving, desired))


def _beside(moving: Moving, desired: DesiredState) -> Stage:
    """Nothing of the old one changes."""
    words = [f"{moving.new} is in another cluster: nothing of {moving.old.ref.name} changes by it."]
    if not moving.elsewhere:
        words = [f"Install {moving.new} beside {moving.old.ref.name}; no namespace is in it yet."]
    if moving.old.gateways and moving.added:
        names = ", ".join(one.name for one in moving.old.gateways)
        words.append(f"Name its gateways ({names}) in its `spec.gateways`: policies know them by these names.")
    if _is_strict(moving, desired):
        words.append(
            f"mTLS is strict, and workloads of two meshes have no identity in common: make it Permissive on both"
            f" (`config.mtls` of {moving.old.ref.name} and {moving.new}) until the last namespace has moved."
        )
    check = f"reconciler plan: nothing changes on {_names(old for old, _ in moving.pairs)}"
    return Stage("Side by side", tuple(words), moving.added, check, "git revert")


def _is_strict(moving: Moving, desired: DesiredState) -> bool:
    old = {target for target, _ in moving.pairs}
    groups = {group.mtls for target in old for group in desired.views[target].virtual_meshes}
    return moving.old.mtls == _STRICT or _STRICT in groups


def _shifts(moving: Moving, desired: DesiredState, facts: Facts, now: Compiled, then: Compiled) -> Iterator[Stage]:
    """A step for each namespace that is to move. The objects of the old mesh stay while its proxies still run."""
    old = moving.old.ref.name
    for namespace in _namespaces(moving, facts, now):
        if moving.elsewhere:
            yield _shift_elsewhere(namespace, moving, desired, facts)
            continue
        made = sum(1 for _, new in moving.pairs for one in then.objects.get(new, ()) if one.key.namespace == namespace)
        words = (
            f"reconciler pause --limit '{old}' --for 2h --reason 'moving {namespace}', so that nothing is taken from"
            " proxies that still run.",
            f"Take the namespace {namespace} out of {old} and into {moving.new}; {plural(made, 'object')} for it follow"
            " with the next round.",
            f"When they are there, restart the workloads of {namespace}, so that they get the other proxy; then"
            f" reconciler resume --limit '{old}', which lets the old objects go.",
        )
        check = f"reconciler status; reconciler inspect service NAME.{namespace} tells the rules of {moving.new}"
        yield Stage(f"Move {namespace}", words, {}, check, "the same the other way round")


def _shift_elsewhere(namespace: str, moving: Moving, desired: DesiredState, facts: Facts) -> Stage:
    """The old cluster cannot have another mesh, so the services move to one that can."""
    old, places = moving.old.ref.name, ", ".join(sorted({new.cluster for _, new in moving.pairs}))
    lacking = missing(facts, moving.pairs, desired, namespace)
    deploy = f"Deploy the services of {namespace} to {places}, in a namespace of that name and under the same names"
    words = (
        f"{deploy}{': ' + ', '.join(lacking) if lacking else '; all are there'}. Parts that routes name want their"
        " labels on the pods, too.",
        f"When the rules of {moving.new} for them are there, have callers dial them there, a few at first; nothing is"
        f" taken from {old} meanwhile.",
        f"When nobody calls {namespace} in {old} any more, go on.",
    )
    check = f"reconciler status; reconciler inspect service NAME.{namespace} tells the rules of {moving.new}"
    return Stage(f"Move {namespace}", words, {}, check, "have callers dial the old names again")


def _namespaces(moving: Moving, facts: Facts, compiled: Compiled) -> list[str]:
    """Those asked for; else those that are in the old mesh, and that policies are about."""
    if moving.namespaces:
        return sorted(set(moving.namespaces))
    found: set[str] = set()
    for old, _ in moving.pairs:
        known = facts.mesh(old, moving.old.type, moving.old.namespace, moving.old.revision)
        found |= set(known.enrolled_namespaces) if known else set()
        for verdict in compiled.verdicts:
            found |= {ref.namespace for ref in verdict.destinations if verdict.target == old and not ref.host}
    return sorted(found)


def _removal(moving: Moving, desired: DesiredState) -> Stage:
    """The document goes, and with it what is left of what was made of policies on it."""
    ref = moving.old.ref
    place = desired.documents.get(ref, moving.old.position)
    own = _documents_of(place.path, desired)
    words = [] if own == 1 else [f"Remove {ref} from {place.path}:{place.line}."]
    tied = _tied_to(moving.old, desired, moving.pairs)
    if tied:
        words.append(
            f"What only {moving.old.type} understands goes, too: `native.{moving.old.type}` of {', '.join(tied)}."
        )
    words.append(
        f"What is left of {ref.name} (whatever is not of a namespace) is then removed; where a guard withholds it, the"
        " commit needs the trailer `Reconciler-Confirm:` with the fingerprint that the plan prints."
    )
    words.append(f"Then {'delete what is left of' if moving.elsewhere else 'uninstall'} {ref.name}.")
    check = f"reconciler plan: only removals on {_names(old for old, _ in moving.pairs)}"
    files: dict[str, str | None] = {place.path: None} if own == 1 else {}
    return Stage("Take the old one out", tuple(words), files, check, "git revert, while its control plane still runs")


def _names(targets: Iterable[TargetId]) -> str:
    """The first few of them."""
    names = [str(target) for target in targets]
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


def _documents_of(path: str, desired: DesiredState) -> int:
    return sum(1 for position in desired.documents.values() if position.path == path)


def _tied_to(old: Mesh, desired: DesiredState, pairs: tuple[tuple[TargetId, TargetId], ...]) -> list[str]:
    """Documents that name the type of the old mesh in ``native``."""
    found: set[DocRef] = set()
    for target, _ in pairs:
        view = desired.views[target]
        patched = [(one.ref, one.native) for one in view.traffic] + [(one.ref, one.native) for one in view.access]
        patched += [(one.ref, one.native) for one in view.telemetry] + [(one.ref, one.native) for one in view.ingress]
        found |= {ref for ref, patches in patched if any(patch.mesh_type == old.type for patch in patches)}
    return sorted(str(ref) for ref in found)
