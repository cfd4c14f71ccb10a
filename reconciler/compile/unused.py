"""Items of ``to`` that mean nothing on any target, although the rest of their policy does: mostly misspelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.compile.notes import Notes
from reconciler.compile.site import Site, World
from reconciler.model.access import AccessPolicy
from reconciler.model.documents import View
from reconciler.model.findings import NOWHERE, Finding, Position, warning
from reconciler.model.membership import covers
from reconciler.model.refs import DocRef, TargetId
from reconciler.model.selectors import PolicyTarget
from reconciler.model.traffic import TrafficPolicy

Policy = TrafficPolicy | AccessPolicy


def unused_items(world: World, sites: Mapping[TargetId, Site], notes: Mapping[TargetId, Notes]) -> list[Finding]:
    """A warning for each, at its place. What may concern a target that was not compiled is left in peace."""
    used = {position for note in notes.values() for position in note.items}
    matched = {ref for note in notes.values() for ref in note.matched}
    dead: dict[Position, DocRef] = {}
    unsure: set[Position] = set()
    for target in world.desired.targets:
        view = world.desired.views[target]
        for policy, item in _items(view, matched, used):
            dead.setdefault(item.position, policy.ref)
            if target not in sites and _includes(item, target, view):
                unsure.add(item.position)
    return [_finding(dead[position], position) for position in sorted(set(dead) - unsure)]


def _items(view: View, matched: set[DocRef], used: set[Position]) -> Iterator[tuple[Policy, PolicyTarget]]:
    policies: Iterable[Policy] = (*view.traffic, *view.access)
    for policy in policies:
        for item in policy.targets if len(policy.targets) > 1 and policy.ref in matched else ():
            if item.position is not NOWHERE and item.position not in used:
                yield policy, item


def _includes(item: PolicyTarget, target: TargetId, view: View) -> bool:
    return (not item.clusters or target.cluster in item.clusters) and covers(item.meshes, target, view)


def _finding(ref: DocRef, position: Position) -> Finding:
    message = f"this item of {ref} matches nothing on any target; the others do"
    return warning("target-matches-nothing", message, position, "check its names, selectors and scope", ref)
