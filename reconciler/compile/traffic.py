"""Traffic policies of one target to asks: which services each is about there, from whom, when, and what it wants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.compile import backends as resolver
from reconciler.compile.atoms import FORWARD, action_of
from reconciler.compile.callers import callers_of, is_here
from reconciler.compile.entries import MIRROR, ROUTE
from reconciler.compile.matches import normal_matches
from reconciler.compile.merge import Ask, Wish, wish
from reconciler.compile.negotiation import Agreement, is_refused, negotiate, paths_of, terms_of, uses_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import MTLS, Use, all_traffic_uses, host_wide, leaf_uses, server_side, traffic_uses
from reconciler.compile.ports import UnknownPort, service_ports
from reconciler.compile.shares import odd_shares
from reconciler.compile.sight import by_sight
from reconciler.compile.site import Site
from reconciler.compile.subsets import part_of
from reconciler.compile.targets import Chosen, Rank, by_profile, chosen_of, service_unknown
from reconciler.model.findings import Finding, Severity, error, warning
from reconciler.model.intents import TrafficSource
from reconciler.model.membership import groups_of
from reconciler.model.meshes import VirtualMesh
from reconciler.model.refs import BY_SERVICE, ServiceRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import PolicyTarget
from reconciler.model.traffic import TrafficPolicy


@dataclass(frozen=True, slots=True)
class _Policy:
    """A policy in force on a site, with its callers resolved and its capabilities known to be there."""

    policy: TrafficPolicy
    sources: tuple[TrafficSource, ...]
    uses: tuple[Use, ...]
    default: bool
    profile: str = ""


def asks_by_service(site: Site, notes: Notes, more: Iterable[Ask] = ()) -> Mapping[ServiceRef, tuple[Ask, ...]]:
    """Everything that traffic policies and the defaults of groups ask on a site, by service; ``more`` joins them."""
    asks = list(more)
    for policy in site.view.traffic:
        if site.world.in_force(policy.expires):
            asks += _asks(policy, site, notes)
    for group in groups_of(site.target, site.view):
        if group.leaves:
            asks += _asks(_as_policy(group), site, notes, default=True)
    asks = _without_clashes(asks, notes)
    by_service: dict[ServiceRef, list[Ask]] = {}
    for ask in asks:
        by_service.setdefault(ask.service, []).append(ask)
    services = sorted(by_service, key=BY_SERVICE)
    return {service: tuple(sorted(by_service[service], key=_by_policy)) for service in services}


def _by_policy(ask: Ask) -> tuple[str, str, str]:
    return (ask.policy.kind, ask.policy.namespace, ask.policy.name)


def _as_policy(group: VirtualMesh) -> TrafficPolicy:
    """The defaults of a group are the widest policy of all: about every service of its meshes."""
    return TrafficPolicy(group.ref, group.position, (PolicyTarget(everything=True),), group.leaves)


def _asks(policy: TrafficPolicy, site: Site, notes: Notes, default: bool = False) -> list[Ask]:
    callers = callers_of(policy.ref, policy.sources, site)
    choice = chosen_of(policy.ref, policy.targets, site)
    notes.items |= choice.items
    if callers.elsewhere or not (choice.chosen or choice.problems):
        return []
    notes.matched.add(policy.ref)
    for odd in odd_shares(policy.leaves):
        notes.find(odd)
    uses = _uses(policy, site, default)
    problems = [*choice.problems, *callers.problems, *_contradiction(policy)]
    terms = terms_of(policy.ref, uses, policy.on_unsupported, site)
    made: list[Ask | None] = []
    for profile, served in by_profile(choice.chosen, site):
        for connections, group in by_sight(served, policy.matches, profile, site):
            here = replace(terms, connections=connections) if connections else terms
            agreed = negotiate(here, profile, tuple(chosen.service for chosen in group), site, notes)
            reduced = _reduced(policy, agreed)
            if agreed.able and not problems and (reduced.leaves or not policy.leaves):
                ready = _Policy(reduced, callers.sources, uses, default, profile)
                made += [_ask(ready, chosen, site, notes) for chosen in group]
    if problems:
        notes.refuse(policy.ref, paths_of(uses, site), *problems)
    return [ask for ask in made if ask is not None]


def _uses(policy: TrafficPolicy, site: Site, default: bool) -> tuple[Use, ...]:
    """Of its sources those that may be here; of most policies all of them."""
    here = [source for source in policy.sources or () if is_here(source, site)]
    if default or len(here) < len(policy.sources or ()):
        return traffic_uses(policy, here)
    return uses_of(policy, all_traffic_uses, site)


def _reduced(policy: TrafficPolicy, agreed: Agreement) -> TrafficPolicy:
    """A policy without the leaves that are left out."""
    if not agreed.dropped:
        return policy
    return replace(policy, leaves=tuple(leaf for leaf in policy.leaves if leaf.path not in agreed.dropped))


def _contradiction(policy: TrafficPolicy) -> Iterable[Finding]:
    """A request is forwarded, redirected or answered: one policy cannot ask for two of these."""
    acting = sorted((leaf for leaf in policy.leaves if action_of(leaf.path)), key=lambda leaf: leaf.position)
    kinds = {action_of(leaf.path) for leaf in acting}
    if len(kinds) > 1:
        other = next(leaf for leaf in acting if action_of(leaf.path) != FORWARD)
        paths = ", ".join(sorted({leaf.path for leaf in acting}))
        message = f"{policy.ref} does several things with the same request: {paths}"
        yield error(
            "actions-contradict", message, other.position, "make it two policies with different match", policy.ref
        )


def _ask(ready: _Policy, chosen: Chosen, site: Site, notes: Notes) -> Ask | None:
    """One policy on one service; None where it is refused there."""
    policy = ready.policy
    if is_refused(policy.ref, ready.uses, policy.on_unsupported, chosen.service, site, notes):
        return None
    problems: list[Finding] = []
    if chosen.facts is None:
        unknown = service_unknown(chosen.service, policy.ref, chosen.position, site)
        if unknown.severity is Severity.ERROR:
            problems.append(unknown)
        notes.find(unknown)
    try:
        matches = normal_matches(policy.matches, chosen.ports, lambda ports: service_ports(ports, chosen.facts))
    except (UnknownPort, ValueError) as reason:
        problems.append(warning("port-unknown", f"{policy.ref}: {reason}", chosen.position, "", policy.ref))
        matches = ()
    wishes = []
    for leaf in policy.leaves:
        if leaf.path not in (ROUTE, MIRROR):
            wishes.append(site.world.once(leaf, wish))
            continue
        found = resolver.resolve(leaf, chosen.service, site, notes)
        problems += found.problems
        if not found.problems:
            wishes.append(wish(leaf, found.backends, found.used))
    if problems:
        paths = paths_of(ready.uses, site, ready.profile)
        notes.refuse(policy.ref, paths, *problems, destinations=(chosen.service,))
        return None
    ask = Ask(
        policy=policy.ref,
        position=policy.position,
        service=chosen.service,
        rank=Rank.DEFAULTS if ready.default else chosen.rank,
        priority=policy.priority,
        sources=ready.sources,
        matches=matches,
        reject=_rejects(policy, ready.sources, matches, notes) and not chosen.part,
        part=part_of(chosen, site, notes),
    )
    routed = [one for one in wishes if not host_wide(one.leaf) and not server_side(one.leaf)]
    return replace(
        ask,
        routed=_possible(routed, ask, chosen, site, notes),
        host_wide=_possible([one for one in wishes if host_wide(one.leaf)], ask, chosen, site, notes),
        inbound=_possible([one for one in wishes if server_side(one.leaf)], ask, chosen, site, notes),
    )


def _rejects(
    policy: TrafficPolicy, sources: tuple[TrafficSource, ...], matches: tuple[object, ...], notes: Notes
) -> bool:
    if policy.reject_unmatched and not sources and not matches:
        message = f"{policy.ref} rejects unmatched requests, but it matches all of them"
        hint = "add match or from, or leave unmatched out"
        notes.find(warning("unmatched-without-match", message, policy.position, hint, policy.ref))
        return False
    return policy.reject_unmatched


def _possible(wishes: Iterable[Wish], ask: Ask, chosen: Chosen, site: Site, notes: Notes) -> tuple[Wish, ...]:
    """The leaves that can be set for what the policy is about; the others are refused one by one."""
    kept = []
    for one in wishes:
        problem = _problem(ask, chosen, one.leaf)
        if problem is None:
            kept.append(one)
        elif problem.code == "workloads-unknown" and chosen.rank is not Rank.SERVICES:
            notes.find(replace(problem, severity=Severity.INFO))  # not named, and without pods: nothing to set
        else:
            paths = paths_of(leaf_uses(one.leaf), site, site.profile(chosen.service))
            notes.refuse(ask.policy, paths, problem, destinations=(chosen.service,))
    return tuple(kept)


def _problem(ask: Ask, chosen: Chosen, leaf: Leaf) -> Finding | None:
    """A leaf for the host as a whole in a policy about a part of it, or one for workloads that nobody knows."""
    name = f"{chosen.service.label}"
    if ask.part is not None and (leaf.path == MTLS or not host_wide(leaf)):
        message = f"{leaf.path} holds for all of {name}, or for requests that a match names, and not for a part of it"
        return warning("target-subset", message, leaf.position, "name the whole service", ask.policy)
    if host_wide(leaf) and (ask.matches or ask.sources):
        message = f"{leaf.path} holds for all requests to {name}, so it cannot depend on match, ports or from"
        hint = "set it in a policy of its own"
        return warning("host-wide-leaf", f"{message}: it is not applied there", leaf.position, hint, ask.policy)
    if (leaf.path == MTLS or server_side(leaf)) and not (chosen.facts and chosen.facts.selector):
        message = f"the workloads behind {name} are unknown, so {leaf.path} cannot be set for them"
        return warning("workloads-unknown", message, leaf.position, "", ask.policy)
    return None


def _without_clashes(asks: list[Ask], notes: Notes) -> list[Ask]:
    """Two sets of labels that come out as one subset name: only the smaller set keeps it, the other is an error."""
    named: dict[tuple[ServiceRef, str], set[tuple[tuple[str, str], ...]]] = {}
    for ask in asks:
        for one in ask.routed:
            for used in one.used:
                named.setdefault((used.service, used.subset.name), set()).add(used.subset.labels)
        if ask.part is not None:
            named.setdefault((ask.service, ask.part.name), set()).add(ask.part.labels)
    lost = {key: sorted(sets)[1:] for key, sets in named.items() if len(sets) > 1}
    kept = []
    for ask in asks:
        clash = _clash(ask, lost)
        if clash is None:
            kept.append(ask)
        else:
            notes.refuse(ask.policy, (), clash)
    return kept


def _clash(ask: Ask, lost: Mapping[tuple[ServiceRef, str], list[tuple[tuple[str, str], ...]]]) -> Finding | None:
    named = [(used.service, used.subset, one.leaf.position) for one in ask.routed for used in one.used]
    named += [(ask.service, ask.part, ask.position)] if ask.part is not None else []
    for service, subset, position in named:
        if subset.labels in lost.get((service, subset.name), ()):
            message = f"two sets of labels of {service.label} make the same subset name"
            hint = f"give one of them a name in a Destination ({subset.name})"
            return error("subset-conflict", message, position, hint, ask.policy)
    return None
