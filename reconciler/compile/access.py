"""Access policies of one target to intents: one for each policy and service, never wider than was asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.compile.degrade import without
from reconciler.compile.identities import who
from reconciler.compile.matches import normal_matches
from reconciler.compile.negotiation import Agreement, negotiate, paths_of, terms_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use, access_uses
from reconciler.compile.ports import UnknownPort, workload_ports
from reconciler.compile.site import Site
from reconciler.compile.targets import Chosen, Rank, by_profile, choose, service_unknown
from reconciler.model.access import AccessAction, AccessPolicy
from reconciler.model.facts import ServiceFacts
from reconciler.model.findings import Finding, Severity, warning
from reconciler.model.intents import AccessIntent, Identity, Origin


@dataclass(frozen=True, slots=True)
class _Policy:
    policy: AccessPolicy
    identities: tuple[Identity, ...] | None
    uses: tuple[Use, ...]
    profile: str = ""

    @property
    def severity(self) -> Severity:
        """A refused Deny denies less than was asked; a refused Allow allows less."""
        return Severity.ERROR if self.policy.action is AccessAction.DENY else Severity.WARNING


def access_of(site: Site, notes: Notes) -> tuple[AccessIntent, ...]:
    """The access rules of a site, by policy and service."""
    found: list[AccessIntent] = []
    for policy in site.view.access:
        if site.world.in_force(policy.expires):
            found += _intents(policy, site, notes)
    return tuple(sorted(found, key=lambda intent: (intent.policy, intent.service)))


def _intents(policy: AccessPolicy, site: Site, notes: Notes) -> list[AccessIntent]:
    choice = choose(policy.ref, policy.targets, site)
    if not (choice.chosen or choice.problems):
        return []
    notes.matched.add(policy.ref)
    deny = policy.action is AccessAction.DENY
    uses = access_uses(policy)
    callers = who(policy.ref, policy.sources, site)
    ready = _Policy(policy, callers.identities, uses)
    for remark in (*callers.remarks, *_severe(callers.nobody, ready.severity)):
        notes.find(remark)
    problems = [*choice.problems, *_severe(callers.blocking, ready.severity)]
    if deny or callers.identities == ():
        problems += _severe(callers.nobody, ready.severity)
    if callers.identities == () and not problems:
        problems.append(warning("source-unknown", f"{policy.ref}: no caller is meant", policy.position, "", policy.ref))
    terms = replace(terms_of(policy.ref, uses, policy.on_unsupported, site), deny=deny)
    made: list[AccessIntent | None] = []
    for profile, group in by_profile(choice.chosen, site):
        agreed = negotiate(terms, profile, tuple(chosen.service for chosen in group), site, notes)
        if agreed.able and not problems:
            here = replace(ready, policy=_reduced(policy, agreed), profile=profile)
            made += [_intent(here, chosen, site, notes) for chosen in group]
    if problems:
        notes.refuse(policy.ref, paths_of(uses, site), *problems)
    return [intent for intent in made if intent is not None]


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
        matches = normal_matches(policy.matches, (), lambda given: workload_ports(given, facts, site))
    except UnknownPort as reason:
        problem = warning("port-unknown", f"{policy.ref}: {reason}", chosen.position, "", policy.ref)
        _refuse(ready, chosen, problem, site, notes)
        return None
    return AccessIntent(
        service=chosen.service,
        selector=dict(sorted(facts.selector.items())),
        action=policy.action,
        identities=ready.identities,
        matches=matches,
        ports=ports,
        policy=policy.ref,
        origins=(Origin(policy.ref, policy.position),),
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
