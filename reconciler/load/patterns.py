"""``select``: the pattern language of Ansible over clusters, groups, meshes and virtual meshes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from reconciler.load.names import nearest
from reconciler.model.documents import DesiredState
from reconciler.model.findings import Finding, error
from reconciler.model.membership import is_member
from reconciler.model.refs import TargetId

_ALL = frozenset({"all", "*"})


def select(pattern: str, desired: DesiredState) -> tuple[frozenset[TargetId], tuple[Finding, ...]]:
    """The targets that a pattern means, and an error for each item that means nothing; then no target is chosen.

    Items are separated by ``:`` or ``,``: a name or glob of a cluster, group, mesh, virtual mesh or cluster/mesh.
    Plain items add up; then ``&item`` keeps only what it means too, and ``!item`` takes out what it means.
    """
    meant = _meanings(desired)
    everything = frozenset(desired.targets)
    items = [item for item in (part.strip() for part in re.split("[:,]", pattern)) if item]
    found = {item: _mean(item.lstrip("&!"), meant, everything) for item in items}
    unknown = [_unknown(item.lstrip("&!"), meant) for item, targets in found.items() if targets is None]
    if not items:
        unknown = [
            error("unknown-pattern", "the pattern is empty", hint="name a cluster, group or mesh, or write `all`")
        ]
    if unknown:
        return frozenset(), tuple(sorted(set(unknown), key=lambda finding: finding.message))
    plain = [targets for item, targets in found.items() if item[0] not in "&!" and targets is not None]
    chosen = frozenset[TargetId]().union(*plain) if plain else everything
    for item, targets in found.items():
        if item[0] == "&":
            chosen &= targets or frozenset()
    for item, targets in found.items():
        if item[0] == "!":
            chosen -= targets or frozenset()
    return chosen, ()


def _meanings(desired: DesiredState) -> Mapping[str, frozenset[TargetId]]:
    """Every name that may stand in a pattern; clusters and groups without a target mean none."""
    meant: dict[str, set[TargetId]] = {name: set() for name in desired.clusters}
    for cluster in desired.clusters.values():
        meant.update({group: meant.get(group, set()) for group in cluster.groups})
    for target, view in desired.views.items():
        names = {target.cluster, target.mesh, str(target)}
        if target.cluster in desired.clusters:
            names.update(desired.clusters[target.cluster].groups)
        for group in view.virtual_meshes:
            meant.setdefault(group.ref.name, set())
            if is_member(group, target, view):
                names.add(group.ref.name)
        for name in names:
            meant.setdefault(name, set()).add(target)
    for ref in desired.documents:
        if ref.kind in ("Mesh", "VirtualMesh"):
            meant.setdefault(ref.name, set())
    return {name: frozenset(targets) for name, targets in meant.items()}


def _mean(
    item: str, meant: Mapping[str, frozenset[TargetId]], everything: frozenset[TargetId]
) -> frozenset[TargetId] | None:
    if item in _ALL:
        return everything
    if item in meant:
        return meant[item]
    if not any(sign in item for sign in "*?["):
        return None
    fitting = [targets for name, targets in meant.items() if fnmatchcase(name, item)]
    return frozenset[TargetId]().union(*fitting) if fitting else None


def _unknown(item: str, meant: Mapping[str, frozenset[TargetId]]) -> Finding:
    message = f"no cluster, group, mesh or virtual mesh is called `{item[:80]}`"
    return error("unknown-pattern", message, hint=nearest(item, meant))
