"""From ``from[]`` of a traffic policy to the workloads that a caller-side route can match: namespace and pod labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from reconciler.compile.gateways import gateway_names
from reconciler.compile.site import Site, has_labels
from reconciler.compile.targets import nearest
from reconciler.model.facts import WorkloadFacts
from reconciler.model.findings import Finding, warning
from reconciler.model.intents import TrafficSource
from reconciler.model.refs import DocRef
from reconciler.model.selectors import LabelExpression, PolicySource

EVERYONE = TrafficSource()


@dataclass(frozen=True, slots=True)
class Callers:
    """``sources`` empty means every caller. ``elsewhere``: all of them live on other targets."""

    sources: tuple[TrafficSource, ...] = ()
    elsewhere: bool = False
    problems: tuple[Finding, ...] = ()


class Unresolved(Exception):
    """A source that cannot be told apart by namespace and labels."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.hint = code, hint


def callers_of(policy: DocRef, sources: tuple[PolicySource, ...] | None, site: Site) -> Callers:
    """The callers that a policy means on this site; sources scoped to other targets contribute nothing."""
    if sources is None:
        return Callers()
    here = [source for source in sources if is_here(source, site)]
    found: set[TrafficSource] = set()
    problems: list[Finding] = []
    for source in here:
        try:
            found.update(_one(source, site))
        except Unresolved as reason:
            problems.append(warning(reason.code, f"{policy}: {reason}", source.position, reason.hint, policy))
    if EVERYONE in found:
        return Callers(problems=tuple(problems))
    return Callers(tuple(sorted(found)), elsewhere=not here, problems=tuple(problems))


def is_here(source: PolicySource, site: Site) -> bool:
    """Whether a caller may be on this target: its scope includes it, and so do all its references."""
    if not site.covered(source.meshes, source.clusters):
        return False
    for refs in (source.services, source.service_accounts):
        if refs and all(ref.cluster not in ("", site.target.cluster) for ref in refs):
            return False
    return True


def _one(source: PolicySource, site: Site) -> list[TrafficSource]:
    """One item: its fields are ANDed, so every way to take one option of each field, merged."""
    for field, used in (
        ("identities", bool(source.identities)),
        ("ipBlocks", bool(source.ip_include or source.ip_exclude)),
        ("authenticated", bool(source.authenticated)),
    ):
        if used:
            message = f"callers of a traffic rule cannot be told by {field}"
            raise Unresolved("source-unresolved", message, "name namespaces, services, workloads or service accounts")
    options = [list(field) for field in _fields(source, site) if field is not None]
    merged = (_merge(choice) for choice in product(*options))
    found = [one for one in merged if one is not None]
    if not found:
        raise Unresolved("source-unresolved", "the fields of a source contradict each other, so it means nobody")
    return found


def _fields(source: PolicySource, site: Site) -> Iterable[list[TrafficSource] | None]:
    yield [TrafficSource(namespace) for namespace in source.namespaces] or None
    yield _services(source, site) if source.services else None
    yield _accounts(source, site) if source.service_accounts else None
    yield _gateways(source, site) if source.gateways else None
    labels = source.workload_labels
    if source.workload_names or source.workload_kinds or labels.match_expressions:
        yield _workloads(source, site)
    else:
        yield [TrafficSource("", tuple(sorted(labels.match_labels)))] if labels.match_labels else None


def _merge(parts: Iterable[TrafficSource]) -> TrafficSource | None:
    """The callers that are in all of the parts; None when there can be none."""
    namespace, labels = "", dict[str, str]()
    for part in parts:
        if part.namespace and namespace not in ("", part.namespace):
            return None
        namespace = namespace or part.namespace
        for key, value in part.labels:
            if labels.setdefault(key, value) != value:
                return None
    return TrafficSource(namespace, tuple(sorted(labels.items())))


def _services(source: PolicySource, site: Site) -> list[TrafficSource]:
    found = []
    for ref in source.services:
        if ref.cluster not in ("", site.target.cluster):
            continue
        facts = site.service(ref)
        if facts is None:
            known = sorted(f"{name}.{namespace}" for namespace, name in site.services)
            hint = nearest(f"{ref.name}.{ref.namespace}", known)
            raise Unresolved("source-unknown", f"there is no service {ref.name}.{ref.namespace} to call from", hint)
        if not facts.selector:
            message = f"service {ref.name}.{ref.namespace} has no selector, so its workloads are unknown"
            raise Unresolved("source-unresolved", message, "name the callers by namespace or workload labels")
        found.append(TrafficSource(ref.namespace, tuple(sorted(facts.selector.items()))))
    return found


def _accounts(source: PolicySource, site: Site) -> list[TrafficSource]:
    found = []
    for ref in source.service_accounts:
        if ref.cluster not in ("", site.target.cluster):
            continue
        running = [
            workload for workload in site.cluster.workloads_in(ref.namespace) if workload.service_account == ref.name
        ]
        if not running:
            raise Unresolved("source-unknown", f"no workload runs under service account {ref.namespace}/{ref.name}")
        found += _by_labels(running, site)
    return found


def _gateways(source: PolicySource, site: Site) -> list[TrafficSource]:
    known = {gateway.name: gateway for gateway in reversed(site.mesh.gateways)}
    found = []
    for name in (one for called in source.gateways for one in gateway_names(called, site)):
        declared = next((gateway for gateway in site.document.gateways if gateway.name == name), None)
        if declared is not None and declared.selector.match_labels:
            found.append(TrafficSource(declared.namespace, tuple(sorted(declared.selector.match_labels))))
        elif name in known and known[name].labels:
            found.append(TrafficSource(known[name].namespace, tuple(sorted(known[name].labels.items()))))
        else:
            raise Unresolved("source-unknown", f"there is no gateway {name}", nearest(name, sorted(known)))
    return found


def _workloads(source: PolicySource, site: Site) -> list[TrafficSource]:
    meant = [workload for workload in site.cluster.workloads if is_meant(source, workload)]
    if not meant:
        raise Unresolved("source-unknown", "no workload is meant by this source")
    return _by_labels(meant, site)


def is_meant(source: PolicySource, workload: WorkloadFacts) -> bool:
    """Whether a workload fits the workload and namespace fields of a source."""
    return (
        (not source.namespaces or workload.namespace in source.namespaces)
        and (not source.workload_names or workload.name in source.workload_names)
        and (not source.workload_kinds or workload.kind in source.workload_kinds)
        and source.workload_labels.matches(workload.labels)
    )


def uses_workloads(source: PolicySource) -> bool:
    labels = source.workload_labels
    expressions: tuple[LabelExpression, ...] = labels.match_expressions
    return bool(source.workload_names or source.workload_kinds or labels.match_labels or expressions)


def _by_labels(meant: list[WorkloadFacts], site: Site) -> list[TrafficSource]:
    """The pods' labels of each workload, if no other workload has them too."""
    for workload in meant:
        others = [
            other
            for other in site.cluster.workloads_in(workload.namespace)
            if other not in meant and has_labels(other.labels, workload.labels)
        ]
        if others or not workload.labels:
            named = ", ".join(sorted(f"{other.namespace}/{other.name}" for other in others)) or "every pod"
            message = (
                f"the pods of {workload.namespace}/{workload.name} have no labels of their own: {named} has them too"
            )
            raise Unresolved("source-ambiguous", message, "give these pods a label of their own")
    return sorted({TrafficSource(workload.namespace, tuple(sorted(workload.labels.items()))) for workload in meant})
