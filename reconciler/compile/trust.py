"""Where the callers of a source live, and the trust domains by which a mesh tells them from others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.compile.site import Site
from reconciler.model.refs import TargetId
from reconciler.model.selectors import PolicySource


class Nobody(Exception):
    """A source that means no caller; the message says why."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Unsure(Exception):
    """A source that cannot be said without meaning more callers, or fewer because a cluster could not be read."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.hint = code, hint


def unknown(cluster: str) -> Unsure:
    """What is said when a source needs facts of a cluster that could not be read."""
    return Unsure("source-unreachable", f"cluster {cluster} could not be read, so its callers are not known")


class Homes:
    """The targets where a source's callers live: those of its scope, else the site itself."""

    def __init__(self, source: PolicySource, site: Site) -> None:
        self.site = site
        self.scoped = source.meshes is not None or bool(source.clusters)
        self.targets = _scope(source, site) if self.scoped else (site.target,)

    def within(self, cluster: str) -> tuple[TargetId, ...]:
        """The homes in one cluster ("" means all). Without a scope a cluster may be named outside of the site:
        then the meshes of the site's type there, else all of them."""
        if not cluster:
            return self.targets
        if self.scoped or cluster == self.site.target.cluster:
            return tuple(home for home in self.targets if home.cluster == cluster)
        desired = self.site.world.desired
        there = [target for target in desired.targets if target.cluster == cluster]
        same = [target for target in there if desired.mesh(target).type == self.site.document.type]
        return tuple(same or there)

    def domains(self, homes: Iterable[TargetId]) -> set[str]:
        """The trust domains of targets; Unsure where a scope asks to tell apart what shares one."""
        world, wanted = self.site.world, tuple(homes)
        found = {world.trust_domain(target) for target in wanted}
        if not found:
            raise Nobody("no mesh is meant by the scope of a source")
        if "" in found and wanted != (self.site.target,):
            unread = sorted(target.cluster for target in wanted if not world.trust_domain(target))[0]
            raise unknown(unread)
        if self.scoped:
            self._tell_apart(found)
        return found

    def _tell_apart(self, found: set[str]) -> None:
        world = self.site.world
        others = {world.trust_domain(target): target for target in world.desired.targets if target not in self.targets}
        shared = sorted(found & set(others))
        if shared:
            named = ", ".join(str(target) for target in self.targets)
            raise Unsure(
                "trust-domain-shared",
                f"callers of {named} and of {others[shared[0]]} have the same trust domain {shared[0]}, "
                "so a rule for the first would hold for the second too",
                "give the meshes trust domains of their own, or leave the scope out",
            )


def _scope(source: PolicySource, site: Site) -> tuple[TargetId, ...]:
    desired = site.world.desired
    return tuple(
        target
        for target in desired.targets
        if replace(site, target=target, view=desired.views[target]).covered(source.meshes, source.clusters)
    )
