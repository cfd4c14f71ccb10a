"""Scope: from policies that say who calls what to all that the proxies of callers are to know of.

What a client is not told of it does not know, so each Scope about a client adds to one list, and calls that other
policies speak of and no Scope names are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.compile.callers import callers_of
from reconciler.compile.negotiation import negotiate, terms_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import scope_uses
from reconciler.compile.site import Site, has_labels
from reconciler.compile.targets import choose
from reconciler.model.access import AccessAction, AccessPolicy
from reconciler.model.findings import Finding, info, warning
from reconciler.model.intents import HostIntent, Origin, TrafficSource
from reconciler.model.reach import ReachIntent
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.selectors import PolicySource, PolicyTarget

SCOPE = "access.scope"


@dataclass(frozen=True, slots=True)
class Statement:
    """These clients call these services. No clients: everybody does, which makes no list but adds to all."""

    policy: AccessPolicy
    clients: tuple[TrafficSource, ...]
    services: tuple[ServiceRef, ...]

    @property
    def origin(self) -> Origin:
        return Origin(self.policy.ref, self.policy.position)


@dataclass(frozen=True, slots=True)
class Clients:
    """Whose reach a policy speaks of; everybody's where ``clients`` is empty and not ``none``, which is nobody's here.
    ``problems`` keep the whole policy from being applied."""

    none: bool = True
    clients: tuple[TrafficSource, ...] = ()
    problems: tuple[Finding, ...] = ()


def clients_of(policy: AccessPolicy, site: Site, notes: Notes) -> Clients:
    """The clients of a policy with Scope; nobody for one without."""
    if not policy.scopes:
        return Clients()
    sources = [one for one in policy.sources or () if not one.gateways]
    if policy.sources and not sources:
        message = f"{policy.ref}: gateways know every service, so their reach is not narrowed"
        notes.find(info("scope-of-gateways", message, policy.position, "", policy.ref))
        return Clients()
    everybody = not sources or any(_is_everybody(one) for one in sources)
    found = callers_of(policy.ref, None if everybody else tuple(sources), site)
    if found.elsewhere:
        return Clients()
    if problems := [*found.problems, *_homeless(policy, found.sources)]:
        return Clients(problems=tuple(problems))
    kept: list[TrafficSource] = []
    terms = terms_of(policy.ref, scope_uses(policy), policy.on_unsupported, site)
    for profile, group in _by_profile(found.sources, site):
        agreed = negotiate(terms, profile, (), site, notes)
        if not agreed.able:
            message = f"{policy.ref}: its Scope cannot be carried out here, so nothing of it is applied"
            return Clients(problems=(warning("scope-refused", message, policy.position, "", policy.ref),))
        kept += [] if SCOPE in agreed.dropped else group
    return Clients(none=not everybody and not kept, clients=tuple(kept))


def _is_everybody(source: PolicySource) -> bool:
    return replace(source, authenticated=None, position=PolicySource().position) == PolicySource()


def _homeless(policy: AccessPolicy, sources: Iterable[TrafficSource]) -> list[Finding]:
    if all(source.namespace for source in sources):
        return []
    message = f"{policy.ref}: the clients of a Scope must be in known namespaces"
    return [warning("source-unresolved", message, policy.position, "name their namespaces", policy.ref)]


def _by_profile(sources: Sequence[TrafficSource], site: Site) -> list[tuple[str, list[TrafficSource]]]:
    """Clients by the way in which the mesh serves their namespace; everybody as the mesh as a whole."""
    groups: dict[str, list[TrafficSource]] = {} if sources else {site.profile(): []}
    for source in sources:
        groups.setdefault(site.mesh.profile(source.namespace), []).append(source)
    return sorted(groups.items())


def reaches_of(
    statements: Iterable[Statement], hosts: Iterable[HostIntent], site: Site, notes: Notes
) -> tuple[ReachIntent, ...]:
    """One list for each client that a Scope names."""
    told = list(statements)
    onward = {host.service: host for host in hosts}
    named = sorted({client for one in told for client in one.clients})
    broad = [one for one in named if not any(_within(one, other) for other in named)]
    clashing = {one for one in broad if any(_share(one, other, site) for other in broad)}
    _tell_clashes(clashing, told, notes)
    found = [_reach(client, told, onward) for client in broad if client not in clashing]
    _tell_cut_off(found, site, notes)
    return tuple(found)


def _within(one: TrafficSource, other: TrafficSource) -> bool:
    """Whether the second has labels, and takes the first in. The list of a whole namespace holds beside such ones."""
    return one != other and bool(other.labels) and other.covers(one)


def _share(one: TrafficSource, other: TrafficSource, site: Site) -> bool:
    """Whether a known workload is meant by both: a mesh takes one list for each, and does not say which."""
    if one == other or one.namespace != other.namespace or not (one.labels and other.labels):
        return False
    both = dict(one.labels) | dict(other.labels)
    return any(item.namespace == one.namespace and has_labels(item.labels, both) for item in site.cluster.workloads)


def _tell_clashes(clashing: Iterable[TrafficSource], statements: Iterable[Statement], notes: Notes) -> None:
    for client in sorted(clashing):
        refs = sorted({one.policy.ref for one in statements if client in one.clients})
        positions = [one.policy.position for one in statements if client in one.clients]
        message = f"the clients {worded(client)} are in part those of another Scope: no reach is written for them"
        finding = warning("reach-overlap", message, min(positions), "name them by the same labels", *refs)
        for ref in refs:
            notes.refuse(ref, [SCOPE], finding)


def _reach(
    client: TrafficSource, statements: Iterable[Statement], onward: Mapping[ServiceRef, HostIntent]
) -> ReachIntent:
    """All that is said of a client, those within it, its namespace and everybody; and where these calls are sent on."""
    meant = [one for one in statements if not one.clients or any(_concerns(source, client) for source in one.clients)]
    services = {service for one in meant for service in one.services}
    for service in sorted(services):
        for route in onward[service].routes if service in onward else ():
            services |= {backend.service for backend in (*route.backends, *route.mirrors)}
    origins = tuple(sorted({one.origin for one in meant}))
    return ReachIntent(client.namespace, client.labels, tuple(sorted(services)), origins)


def _concerns(source: TrafficSource, client: TrafficSource) -> bool:
    if source.namespace != client.namespace:
        return False
    return not source.labels or source == client or (bool(client.labels) and client.covers(source))


def _tell_cut_off(reaches: Sequence[ReachIntent], site: Site, notes: Notes) -> None:
    """Calls that policies speak of, and that the list of their caller does not hold."""
    for ref, sources, targets in _declared(site) if reaches else ():
        callers = callers_of(ref, sources, site).sources
        for reach in reaches:
            client = TrafficSource(reach.namespace, reach.labels)
            if not any(_meets(caller, client) for caller in callers):
                continue
            for chosen in choose(ref, targets, site).chosen:
                if chosen.service not in reach.services and chosen.service.namespace != reach.namespace:
                    _tell_one(ref, client, chosen.service, reach, notes)


def _meets(caller: TrafficSource, client: TrafficSource) -> bool:
    same = caller.namespace in ("", client.namespace)
    return same and (not caller.labels or not client.labels or client.covers(caller) or caller.covers(client))


def _tell_one(ref: DocRef, client: TrafficSource, service: ServiceRef, reach: ReachIntent, notes: Notes) -> None:
    called = f"{ref} is about calls of {worded(client)} to {service.label}"
    message = f"{called}, and no Scope names them: its proxies will not know that service"
    first = min(reach.origins)
    hint = "add Scope to the effects of an AccessPolicy that names the two"
    notes.find(warning("scope-cut-off", message, first.position, hint, ref, first.ref))


def _declared(site: Site) -> Iterable[tuple[DocRef, tuple[PolicySource, ...], tuple[PolicyTarget, ...]]]:
    """Policies that speak of calls of some callers, and are no Scope."""
    for policy in site.view.access:
        allows = policy.action is AccessAction.ALLOW and policy.authorizes
        if allows and policy.sources and not policy.scopes and site.world.in_force(policy.expires):
            yield policy.ref, policy.sources, policy.targets
    for traffic in site.view.traffic:
        if traffic.sources and site.world.in_force(traffic.expires):
            yield traffic.ref, traffic.sources, traffic.targets


def worded(client: TrafficSource) -> str:
    labels = ",".join(f"{key}={value}" for key, value in client.labels)
    return f"{labels} in namespace {client.namespace}" if labels else f"namespace {client.namespace}"
