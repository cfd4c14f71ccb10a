"""The kinds of a target beyond what policies become: of Extension documents, of an installed control plane, and those
written before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.adapters.base import Adapter
from reconciler.compile.kinds import BUILT_IN, declared_kinds, kind_of
from reconciler.model.documents import DesiredState
from reconciler.model.extensions import Extension, RawObject
from reconciler.model.facts import ClusterFacts
from reconciler.model.membership import covers
from reconciler.model.native import NativeKind
from reconciler.model.refs import TargetId
from reconciler.pipeline import state
from reconciler.pipeline.recorded import recorded_cluster
from reconciler.ports import Store


@dataclass(frozen=True, slots=True)
class Extra:
    """``guessed``: no cluster that serves the kind was read yet, so its plural is only what is usual."""

    kind: NativeKind
    guessed: bool = False


def extra_kinds(target: TargetId, desired: DesiredState, adapter: Adapter, store: Store | None) -> Iterator[Extra]:
    """``store``: what runs remember, None where there was none."""
    facts = (recorded_cluster(store, target.cluster) if store else None) or ClusterFacts(target.cluster)
    for kind in state.managed_kinds(store, target.cluster) if store else ():
        yield Extra(kind)
    for extension in desired.views[target].extensions:
        if _is_about(extension, target, desired):
            yield from _of_objects(extension.objects, adapter, facts)
    if install := desired.mesh(target).install:
        yield from _of_objects(install.objects, adapter, facts)


def _is_about(extension: Extension, target: TargetId, desired: DesiredState) -> bool:
    return not extension.scope or any(
        (not part.clusters or target.cluster in part.clusters) and covers(part.meshes, target, desired.views[target])
        for part in extension.scope
    )


def _of_objects(objects: Sequence[RawObject], adapter: Adapter, facts: ClusterFacts) -> Iterator[Extra]:
    declared = declared_kinds(raw.body for raw in objects)
    sure = {*BUILT_IN, *(facts.crds or {}), *(one.kind for one in declared), *(one.kind for one in adapter.kinds)}
    for raw in objects:
        named = raw.body.get("apiVersion") and raw.body.get("kind")
        kind = kind_of(raw.body, adapter, facts, declared) if named else None
        if kind is not None:  # else the plan says what is wrong with it
            yield Extra(kind, kind.kind not in sure)
