"""From ``workloads`` of a document to scopes: a namespace and labels that its proxies are told apart by."""

from __future__ import annotations

from reconciler.compile.callers import Callers, callers_of
from reconciler.compile.site import Site, has_labels
from reconciler.model.findings import Finding
from reconciler.model.refs import DocRef
from reconciler.model.selectors import PolicySource
from reconciler.model.workload_intents import WorkloadScope

EVERYWHERE = WorkloadScope()


def scopes_of(
    policy: DocRef, workloads: tuple[PolicySource, ...] | None, site: Site
) -> tuple[tuple[WorkloadScope, ...], tuple[Finding, ...]]:
    """The scopes of a document on a site, none where it is about other targets only; and what keeps it from being
    understood. Labels without a namespace hold in each namespace of the mesh that has such a workload."""
    callers: Callers = callers_of(policy, workloads, site)
    if callers.elsewhere or callers.problems:
        return (), callers.problems
    found = set(callers.sources) or {EVERYWHERE}
    return tuple(sorted({narrow for scope in found for narrow in _placed(scope, site)})), ()


def _placed(scope: WorkloadScope, site: Site) -> list[WorkloadScope]:
    if scope.namespace or not scope.labels:
        return [scope]
    wanted = dict(scope.labels)
    places = {one.namespace for one in site.cluster.workloads if has_labels(one.labels, wanted)}
    return [WorkloadScope(place, scope.labels) for place in sorted(places - site.away)]
