"""The role for a repository's clusters, or for mesh types by name: what runs there list, and may write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.adapters.base import Adapter
from reconciler.io.kube.kinds import FACT_KINDS, POD
from reconciler.model.clusters import ApiConnection, AwsConnection, DirectoryConnection, ProxiesConnection
from reconciler.model.documents import DesiredState
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, TargetId
from reconciler.model.rights import Role
from reconciler.model.settings import Mode
from reconciler.pipeline.extra_kinds import Extra, extra_kinds
from reconciler.plan.rights import Use, role
from reconciler.plan.rules import mode_of
from reconciler.ports import Store

_OPEN = (
    "Which API versions are served, and what the account may do, Kubernetes tells every account by its own roles"
    " system:discovery, system:public-info-viewer and system:basic-user."
)


#: they know no roles of Kubernetes
_WITHOUT_ROLES = (DirectoryConnection, ProxiesConnection, ApiConnection, AwsConnection)


@dataclass(frozen=True, slots=True)
class Scope:
    """The targets of a repository that a role is for. ``store``: what runs remember, None where there was none."""

    desired: DesiredState
    targets: frozenset[TargetId]
    adapters: Mapping[str, Adapter]
    store: Store | None = None

    @property
    def counted(self) -> list[TargetId]:
        """Those with an adapter. Clusters without roles count where there are no others."""
        known = [target for target in sorted(self.targets) if self.desired.mesh(target).type in self.adapters]
        clusters = self.desired.clusters
        served = [t for t in known if not isinstance(clusters[t.cluster].connection, _WITHOUT_ROLES)]
        return served or known

    def adapter(self, target: TargetId) -> Adapter:
        return self.adapters[self.desired.mesh(target).type]

    def extra(self, targets: Iterable[TargetId]) -> list[Extra]:
        return [one for t in targets for one in extra_kinds(t, self.desired, self.adapter(t), self.store)]


def role_for_types(adapters: Sequence[Adapter], *, read_only: bool) -> Role:
    """The role for meshes of these types, wherever they are; Extension documents are not in it."""
    names = ", ".join(sorted(adapter.name for adapter in adapters))
    extent = "It only reads." if read_only else "It reads, and writes what policies become."
    about = (
        f"The least rights that reconciling meshes of type {names} needs. {extent} What Extension documents need beyond"
        " that is known only with a repository, without --adapter."
    )
    return role(_use(adapters, () if read_only else adapters), (about, _OPEN))


def role_for_repository(scope: Scope, *, read_only: bool) -> Role:
    """The role for the selected targets. It writes what targets in mode Apply need, and only that."""
    desired, targets = scope.desired, scope.counted
    applying = [t for t in targets if mode_of(t, desired, desired.settings) is Mode.APPLY and not read_only]
    extra = scope.extra(targets)
    use = _use(
        [scope.adapter(target) for target in targets],
        [scope.adapter(target) for target in applying],
        more_listed=tuple(one.kind for one in extra),
        more_written=tuple(one.kind for one in scope.extra(applying)),
        deletes=desired.settings.prune or desired.settings.replace_immutable,
    )
    found = {t: desired.clusters[t.cluster].discovery.finds(desired.mesh(t).type) for t in targets}
    looked_for = {scope.adapter(target).name for target in targets if found[target]}
    use = replace(use, detected={name: kinds for name, kinds in use.detected.items() if name in looked_for})
    guessed = {one.kind.kind for one in extra if one.guessed}
    return role(use, _notes(len(targets), len(applying), guessed, read_only=read_only))


def _notes(targets: int, applying: int, guessed: set[KindId], *, read_only: bool) -> tuple[str, ...]:
    if read_only:
        extent = "It only reads."
    elif not applying:
        extent = "It only reads, since no target is in mode Apply."
    else:
        extent = f"It writes what those in mode Apply need: {applying}."
    about = f"The least rights that reconciling needs. Targets: {targets}. {extent}"
    notes = [f"{about} Print it anew when modes or the kinds of Extension documents change.", _OPEN]
    if guessed:
        names = ", ".join(str(kind) for kind in sorted(guessed))
        notes.append(f"CHECK: the plurals of {names} are guessed, since no cluster that serves them was read yet.")
    return tuple(notes)


def _use(
    reading: Iterable[Adapter],
    writing: Iterable[Adapter],
    more_listed: tuple[NativeKind, ...] = (),
    more_written: tuple[NativeKind, ...] = (),
    *,
    deletes: bool = True,
) -> Use:
    adapters = {adapter.name: adapter for adapter in reading}
    return Use(
        facts=(*FACT_KINDS, POD),
        detected={name: adapter.detect_kinds for name, adapter in adapters.items()},
        listed={name: adapter.kinds for name, adapter in adapters.items()},
        written={adapter.name: _emitted(adapter) for adapter in writing},
        more_listed=more_listed,
        more_written=more_written,
        deletes=deletes,
    )


def _emitted(adapter: Adapter) -> tuple[NativeKind, ...]:
    raw = {kind.kind for kind in adapter.raw_kinds}
    return tuple(kind for kind in adapter.kinds if kind.kind not in raw)
