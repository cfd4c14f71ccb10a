"""From ``to[]`` to services: which services of a site a policy means, how narrowly, and on which ports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import IntEnum

from reconciler.compile.named import bare_host
from reconciler.compile.site import Site, behind
from reconciler.model.destinations import Destination
from reconciler.model.facts import ServiceFacts
from reconciler.model.findings import Finding, Position, Severity, error
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.selectors import Labels, Pairs, PolicyTarget

NEVER = frozenset({("default", "kubernetes")})  # the API server's own service, never meant by "everything"
_ANY = Labels()
SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})


class Rank(IntEnum):
    """How a target names a service; narrower is smaller (docs/api.md, conflict and merge)."""

    SERVICES = 0
    LABELS = 1
    NAMESPACES = 2
    CLUSTERS = 3
    MESHES = 4
    EVERYTHING = 5
    DEFAULTS = 6


@dataclass(frozen=True, slots=True)
class Chosen:
    """A service that a policy means. ``facts`` None: it does not exist (yet). No ``ports`` means all of them. ``part``:
    the item that names a part of it; None: all of it is meant."""

    service: ServiceRef
    facts: ServiceFacts | None
    rank: Rank
    ports: tuple[int | str, ...]
    position: Position
    part: PolicyTarget | None = None

    @property
    def meant(self) -> tuple[ServiceRef, Pairs, str]:
        part = self.part
        return (self.service, part.subset if part else (), part.subset_name if part else "")


@dataclass(frozen=True, slots=True)
class Choice:
    """``problems`` make the whole policy unusable here. ``items``: where the items are that mean something here."""

    chosen: tuple[Chosen, ...]
    problems: tuple[Finding, ...]
    items: frozenset[Position] = frozenset()


def choose(policy: DocRef, targets: Iterable[PolicyTarget], site: Site) -> Choice:
    """The services, and parts of services, that any of the targets means on this site, by service."""
    found: dict[tuple[ServiceRef, Pairs, str], list[Chosen]] = {}
    problems: list[Finding] = []
    items: set[Position] = set()
    for item in targets:
        if site.covered(item.meshes, item.clusters):
            if wrong := list(_problems(policy, item, site)):
                problems += wrong
                items.add(item.position)
            for chosen in _services(policy, item, site):
                found.setdefault(chosen.meant, []).append(chosen)
                items.add(chosen.position)
    return Choice(tuple(_joined(found[meant]) for meant in sorted(found)), tuple(problems), frozenset(items))


def chosen_of(policy: DocRef, targets: Iterable[PolicyTarget], site: Site) -> Choice:
    """What the targets mean, as far as it is compiled."""
    choice = choose(policy, targets, site)
    if site.world.concerned is None:
        return choice
    return replace(choice, chosen=tuple(one for one in choice.chosen if site.world.takes(one.service)))


def by_profile(chosen: Iterable[Chosen], site: Site) -> list[tuple[str, list[Chosen]]]:
    """Destinations by the way in which the mesh serves them."""
    groups: dict[str, list[Chosen]] = {}
    for one in chosen:
        groups.setdefault(site.profile(one.service), []).append(one)
    return sorted(groups.items())


def _joined(several: list[Chosen]) -> Chosen:
    """One service, or one part of it, chosen by several items: the narrowest counts; ports hold if all have some."""
    if len(several) == 1 and len(several[0].ports) < 2:
        return several[0]
    first = min(several, key=lambda chosen: (chosen.rank, chosen.position))
    ports: set[int | str] = {port for chosen in several for port in chosen.ports}
    if not all(chosen.ports for chosen in several):
        ports = set()
    return replace(first, ports=tuple(sorted(ports, key=str)))


def _services(policy: DocRef, item: PolicyTarget, site: Site) -> Iterable[Chosen]:
    rank = rank_of(item)
    for ref in sorted(_candidates(policy, item, site)):
        facts = site.service(ref)
        if item.namespaces and ref.namespace not in item.namespaces:
            continue
        if item.labels != _ANY and (facts is None or not item.labels.matches(facts.labels)):
            continue
        if ref.namespace in site.away:
            continue
        named = any(service.name == ref.name and service.namespace == ref.namespace for service in item.services)
        part = item if item.subset or item.subset_name else None
        yield Chosen(ref, facts, Rank.SERVICES if named else rank, item.ports, item.position, part)


def rank_of(item: PolicyTarget) -> Rank:
    wildcard = any(service.name == "*" for service in item.services)
    if item.destinations or item.hosts or (item.services and not wildcard):
        return Rank.SERVICES
    if item.labels != Labels():
        return Rank.LABELS
    if item.namespaces or wildcard:
        return Rank.NAMESPACES
    if item.clusters:
        return Rank.CLUSTERS
    return Rank.MESHES if item.meshes is not None else Rank.EVERYTHING


def _candidates(policy: DocRef, item: PolicyTarget, site: Site) -> set[ServiceRef]:
    """Fields are ANDed: the services that every naming field of the item allows."""
    sets: list[set[ServiceRef]] = []
    if item.services:
        sets.append({ref for service in item.services for ref in _expanded(service, site)})
    if item.destinations:
        known = (destination(name, policy.namespace, site) for name in item.destinations)
        sets.append({ref for doc in known if doc is not None for ref in site.meant(doc)})
    if item.hosts:
        sets.append({host_service(host, site) for host in item.hosts})
    if sets:
        return set.intersection(*sets)
    return _all_of(site, item.namespaces)


def _expanded(ref: ServiceRef, site: Site) -> list[ServiceRef]:
    if ref.cluster not in ("", site.target.cluster):
        return []
    if ref.name != "*":
        return [site.here(ref)]
    return [site.here(known.ref) for known in site.cluster.services if known.ref.namespace == ref.namespace]


def _all_of(site: Site, namespaces: tuple[str, ...]) -> set[ServiceRef]:
    """Every service in the named namespaces; without names, of those enrolled in the mesh, if that is known, and those
    elsewhere that have workloads in it by themselves."""
    enrolled = set(site.mesh.enrolled_namespaces)
    mixed = {one.partition("/")[0] for one in site.mesh.workload_profiles}
    closed = SYSTEM_NAMESPACES | {site.mesh.namespace}

    def meant(service: ServiceFacts) -> bool:
        space = service.ref.namespace
        if namespaces:
            return space in namespaces
        if space in closed:
            return False
        by_itself = space in mixed and any(site.mesh.enrolls(one) for one in behind(service, site.cluster))
        return not enrolled or space in enrolled or by_itself

    refs = (service.ref for service in site.cluster.services if meant(service))
    return {site.here(ref) for ref in refs if (ref.namespace, ref.name) not in NEVER}


def _problems(policy: DocRef, item: PolicyTarget, site: Site) -> Iterable[Finding]:
    for name in item.destinations:
        if destination(name, policy.namespace, site) is None:
            yield destination_unknown(name, policy, item.position, site)


def destination(name: str, namespace: str, site: Site) -> Destination | None:
    """The Destination document of a name: of the policy's own namespace, else the only one of that name."""
    named = [doc for doc in site.view.destinations if doc.ref.name == name]
    own = [doc for doc in named if doc.ref.namespace == namespace]
    return own[0] if own else (named[0] if len(named) == 1 else None)


def host_service(host: str, site: Site) -> ServiceRef:
    """What a literal host means: that of a Destination document, a service of the cluster, or a host of nobody."""
    if known := site.named.get(host):
        return known.ref
    suffixes = ("", ".svc", f".svc.{site.cluster_domain}")
    for suffix in sorted(suffixes, key=len, reverse=True):
        parts = host.removesuffix(suffix).split(".")
        named = host.endswith(suffix) and len(parts) == 2 and all(parts) and parts[0] != "*"
        if named and (suffix or (parts[1], parts[0]) in site.services):
            return ServiceRef(parts[0], parts[1], site.target.cluster)
    return bare_host(host, site.target, site.mesh)


def destination_unknown(name: str, policy: DocRef, position: Position, site: Site) -> Finding:
    known = sorted({doc.ref.name for doc in site.view.destinations})
    hint = nearest(name, known)
    return error("destination-unknown", f"there is no Destination {name}", position, hint, policy)


def service_unknown(ref: ServiceRef, policy: DocRef, position: Position, site: Site) -> Finding:
    """Severity warning, or error where the Reconciler is strict."""
    severity = Severity.ERROR if site.strict else Severity.WARNING
    if ref.host:
        message = f"no Destination declares the host {ref.host}: the mesh may not know it in {site.target.cluster}"
        hint = nearest(ref.host, sorted(site.named)) or "write a Destination with its ports"
        return Finding(severity, "host-undeclared", message, position, hint, (policy,))
    if not site.world.discovery(site.target.cluster).sees(ref.namespace):
        message = f"discovery leaves out namespace {ref.namespace} of cluster {site.target.cluster}"
        return Finding(severity, "service-unknown", f"{message}, so {ref.label} is not known", position, "", (policy,))
    known = sorted(f"{name}.{namespace}" for namespace, name in site.services)
    message = f"there is no service {ref.label} in cluster {site.target.cluster}"
    return Finding(severity, "service-unknown", message, position, nearest(ref.label, known), (policy,))


def nearest(name: str, known: list[str]) -> str:
    """A hint with the known name most like it, or nothing."""
    close = get_close_matches(name, known, 1)
    return f"did you mean {close[0]}?" if close else ""
