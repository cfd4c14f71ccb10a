"""Access policies of one target to intents: one for each policy and service, never wider than was asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter

from reconciler.compile.degrade import without
from reconciler.compile.identities import who
from reconciler.compile.matches import normal_matches
from reconciler.compile.negotiation import Agreement, Terms, is_refused, negotiate, paths_of, uses_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use, access_uses
from reconciler.compile.ports import UnknownPort, service_ports, workload_ports
from reconciler.compile.priorities import Floors, by_winning, floors
from reconciler.compile.reach import SCOPE, Statement, clients_of
from reconciler.compile.site import Site, behind, has_labels
from reconciler.compile.subsets import part_of
from reconciler.compile.targets import Chosen, Rank, by_profile, chosen_of, service_unknown
from reconciler.model.access import AccessAction, AccessPolicy
from reconciler.model.facts import ServiceFacts
from reconciler.model.findings import Finding, Severity, warning
from reconciler.model.intents import AccessIntent, Identity, Origin

_ORDER = attrgetter(
    *("policy.kind", "policy.namespace", "policy.name"),
    *("service.name", "service.namespace", "service.cluster", "service.host"),
)


@dataclass(frozen=True, slots=True)
class _Policy:
    policy: AccessPolicy
    identities: tuple[Identity, ...] | None
    uses: tuple[Use, ...]
    profile: str = ""

    @property
    def severity(self) -> Severity:
        """Without a Deny more is let through than was asked; without an Allow less."""
        return Severity.ERROR if self.policy.action.restricts else Severity.WARNING


@dataclass(frozen=True, slots=True)
class Access:
    """The access rules of a site, by policy and service, and what its policies say of the reach of callers."""

    rules: tuple[AccessIntent, ...]
    reach: tuple[Statement, ...]


def access_of(site: Site, notes: Notes) -> Access:
    found: list[AccessIntent] = []
    reach: list[Statement] = []
    known = floors(site)
    for policy in site.view.access:
        if site.world.in_force(policy.expires):
            found += _intents(policy, site, notes, reach, known)
    return Access(tuple(sorted(found, key=_ORDER)), tuple(reach))


def _intents(
    policy: AccessPolicy, site: Site, notes: Notes, reach: list[Statement], known: Floors
) -> list[AccessIntent]:
    choice = chosen_of(policy.ref, policy.targets, site)
    notes.items |= choice.items
    if not (choice.chosen or choice.problems):
        return []
    notes.matched.add(policy.ref)
    uses = uses_of(policy, access_uses, site)
    clients = clients_of(policy, site, notes)
    ready, problems = (
        _with_callers(policy, uses, site, notes) if policy.authorizes else (_Policy(policy, None, uses), [])
    )
    problems += [*choice.problems, *clients.problems]
    word = policy.on_unsupported.over(site.world.desired.settings.on_unsupported)
    terms = Terms(policy.ref, uses, word, policy.action is AccessAction.DENY, policy.action.restricts)
    able: list[tuple[_Policy, Chosen]] = []
    for profile, served in by_profile(choice.chosen, site):
        for more, group in by_winning(policy, served, known):
            asked = replace(terms, uses=(*uses, *more)) if more else terms
            agreed = negotiate(asked, profile, tuple(chosen.service for chosen in group), site, notes)
            here = replace(ready, policy=_reduced(policy, agreed), profile=profile)
            gone = f"access.{policy.action.value.lower()}" in agreed.dropped
            if agreed.able and not (problems or gone):
                kept = (one for one in group if not is_refused(policy.ref, asked.uses, word, one.service, site, notes))
                able += [(here, chosen) for chosen in kept]
    if problems:
        notes.refuse(policy.ref, [*paths_of(uses, site), *([SCOPE] if policy.scopes else [])], *problems)
    if policy.scopes and not clients.none:
        reach.append(Statement(policy, clients.clients, tuple(chosen.service for _, chosen in able)))
    made = [_intent(here, chosen, site, notes) for here, chosen in able] if policy.authorizes else []
    return [intent for intent in made if intent is not None]


def _with_callers(
    policy: AccessPolicy, uses: tuple[Use, ...], site: Site, notes: Notes
) -> tuple[_Policy, list[Finding]]:
    """A policy with its callers resolved, and what keeps it from being applied anywhere here."""
    callers = who(policy.ref, policy.sources, site)
    ready = _Policy(policy, callers.identities, uses)
    for remark in (*callers.remarks, *_severe(callers.nobody, ready.severity)):
        notes.find(remark)
    problems = _severe(callers.blocking, ready.severity)
    if policy.action.restricts or callers.identities == ():
        problems += _severe(callers.nobody, ready.severity)
    if callers.identities == () and not problems:
        problems.append(warning("source-unknown", f"{policy.ref}: no caller is meant", policy.position, "", policy.ref))
    return ready, problems


def _reduced(policy: AccessPolicy, agreed: Agreement) -> AccessPolicy:
    """A Deny without the conditions that are left out."""
    return replace(policy, matches=without(policy.matches, agreed.dropped)) if agreed.dropped else policy


def _intent(ready: _Policy, chosen: Chosen, site: Site, notes: Notes) -> AccessIntent | None:
    """One policy on one service; None where it cannot be said without meaning something else."""
    policy, facts = ready.policy, chosen.facts
    if facts is not None and not facts.selector and chosen.rank is not Rank.SERVICES:
        notes.find(replace(_unknown(ready, chosen, site), severity=Severity.INFO))
        return None  # not named, and without pods of its own: there is nothing that could enforce a rule
    if facts is None or not facts.selector:
        _refuse(ready, chosen, _unknown(ready, chosen, site), site, notes)
        return None
    try:
        ports = workload_ports(chosen.ports, facts, site)
        asked = normal_matches(policy.matches, (), lambda given: service_ports(given, facts))
        matches = normal_matches(policy.matches, (), lambda given: workload_ports(given, facts, site))
    except UnknownPort as reason:
        problem = warning("port-unknown", f"{policy.ref}: {reason}", chosen.position, "", policy.ref)
        _refuse(ready, chosen, problem, site, notes)
        return None
    part = part_of(chosen, site, notes)
    if part is not None and not any(has_labels(one.labels, dict(part.labels)) for one in behind(facts, site.cluster)):
        message = (
            f"{policy.ref}: no workload behind {chosen.service.label} is in subset {part.name}, so nothing obeys it"
        )
        notes.find(warning("subset-empty", message, chosen.position, "check the labels", policy.ref))
    return AccessIntent(
        service=chosen.service,
        selector=dict(sorted((*facts.selector.items(), *(part.labels if part else ())))),
        action=policy.action,
        identities=ready.identities,
        matches=matches,
        ports=ports,
        policy=policy.ref,
        origins=(Origin(policy.ref, policy.position),),
        service_matches=asked,
        service_ports=service_ports(chosen.ports, facts),
        part=part.name if part else "",
        provider=policy.provider,
        jwt=policy.jwt,
        priority=policy.priority,
    )


def _unknown(ready: _Policy, chosen: Chosen, site: Site) -> Finding:
    facts: ServiceFacts | None = chosen.facts
    if facts is None:
        return service_unknown(chosen.service, ready.policy.ref, chosen.position, site)
    name = f"{chosen.service.label}"
    message = f"{ready.policy.ref}: service {name} has no selector, so the workloads to protect are unknown"
    return warning("workloads-unknown", message, chosen.position, "name a service that selects pods", ready.policy.ref)


def _refuse(ready: _Policy, chosen: Chosen, problem: Finding, site: Site, notes: Notes) -> None:
    severity = Severity.ERROR if Severity.ERROR in (problem.severity, ready.severity) else problem.severity
    paths = paths_of(ready.uses, site, ready.profile)
    notes.refuse(ready.policy.ref, paths, replace(problem, severity=severity), destinations=(chosen.service,))


def _severe(findings: Iterable[Finding], severity: Severity) -> list[Finding]:
    return [replace(finding, severity=severity) for finding in findings]
