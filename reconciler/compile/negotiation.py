"""What becomes of a policy on some destinations of a mesh: a verdict for each capability that it uses.

Where one lacks, ``onUnsupported`` decides between refusing the policy there, leaving the field out, and rejecting the
whole run; the hard rules (docs/api.md, what a mesh lacks) stand above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

from reconciler.adapters.base import Capability, Level
from reconciler.compile.capabilities import (
    Connections,
    Lack,
    claim_for,
    completed_by,
    excluded_by,
    lack_of,
    missing_for,
    reported,
    unseen,
)
from reconciler.compile.droppable import droppable, droppable_of_deny
from reconciler.compile.notes import APPLIED, DEGRADED, Notes
from reconciler.compile.paths import Use
from reconciler.compile.site import Site
from reconciler.model.findings import Finding, Severity, warning
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.rules import OnUnsupported, Otherwise

_P = TypeVar("_P")
_GROUP = "VirtualMesh"  # what it says of every service is not meant for one without requests
#: several ways to ask for one thing: a mesh takes those that it has
VARIANTS = ("traffic.retries",)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a policy uses and how it wants a lack to be met. ``deny``: it may lose conditions, since it then denies
    more. ``restricts``: more is let through without it, so a refusal is an error. ``connections``: what becomes of
    these where no port of the destinations carries requests; None: requests are seen."""

    policy: DocRef
    uses: tuple[Use, ...]
    on_unsupported: OnUnsupported = OnUnsupported()
    deny: bool = False
    restricts: bool = False
    connections: Connections | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """``dropped``: the paths of leaves and conditions that are left out; meaningless where not ``able``."""

    able: bool
    dropped: frozenset[str] = frozenset()


#: what a verdict says beside whom and where it is about: capability, level, action, note, side, via
Row = tuple[str, str, str, str, str, str]


_AGREED = Agreement(True)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is found out once for all policies that use the same things in the same way, on services served alike.
    ``rows``: the verdicts where nothing lacks, else None."""

    answers: tuple[tuple[Capability | None, Lack | None], ...]
    rows: tuple[Row, ...] | None


@dataclass(frozen=True, slots=True)
class _Answer:
    use: Use
    claim: Capability | None
    lack: Lack | None = None

    @property
    def path(self) -> str:
        return reported(self.use, self.claim)


def terms_of(policy: DocRef, uses: Iterable[Use], on_unsupported: OnUnsupported, site: Site) -> Terms:
    """The terms of a policy with the Reconciler document's word where its own is missing."""
    return Terms(policy, tuple(uses), on_unsupported.over(site.world.desired.settings.on_unsupported))


def allowed(policy: DocRef, uses: Iterable[Use], site: Site, notes: Notes, deny: bool = False) -> bool:
    """Whether the mesh as a whole can do all of something that is not to be degraded."""
    return negotiate(Terms(policy, tuple(uses), deny=deny, restricts=deny), "", (), site, notes).able


def negotiate(terms: Terms, profile: str, destinations: tuple[ServiceRef, ...], site: Site, notes: Notes) -> Agreement:
    """The agreement for destinations that are served in one way; writes the verdicts, and refuses where it must."""
    outcome = _outcome(terms, site, profile)
    if outcome.rows is not None:
        notes.tell(terms.policy, outcome.rows, destinations)
        return _unless_withdrawn(terms, [row[0] for row in outcome.rows], destinations, site, notes)
    answers = [_Answer(use, claim, lack) for use, (claim, lack) in zip(terms.uses, outcome.answers, strict=True)]
    lacking = [one for one in answers if one.lack is not None]
    left_out = [one for one in lacking if _may_go(one, lacking, answers, terms)]
    refused = [one for one in lacking if one not in left_out]
    applied = [one for one in answers if one.lack is None]
    rows = [_row(terms, one, APPLIED, one.claim.note) for one in applied if one.claim is not None]
    rows += [_row(terms, one, DEGRADED, f"left out: {one.lack.why if one.lack else ''}") for one in left_out]
    notes.tell(terms.policy, rows, destinations)
    moot = [one for one in left_out if one.lack and one.lack.moot]
    if not refused and terms.policy.kind != _GROUP:
        for service in destinations if moot else ():
            notes.find(_without_requests(terms, moot, service))
    if refused:
        findings = [_finding(terms, one, destinations) for one in refused]
        for one, finding in zip(refused, findings, strict=True):
            notes.refuse(terms.policy, [one.path], finding, destinations=destinations)
        notes.refuse(terms.policy, [one.path for one in answers], *findings, destinations=destinations)
        if terms.on_unsupported.default is Otherwise.FAIL:
            for finding in findings:
                notes.reject(finding)
        return Agreement(False)
    agreed = _unless_withdrawn(terms, [one.path for one in answers], destinations, site, notes)
    return Agreement(agreed.able, frozenset(one.use.path for one in left_out))


def _unless_withdrawn(
    terms: Terms, paths: Iterable[str], destinations: tuple[ServiceRef, ...], site: Site, notes: Notes
) -> Agreement:
    """What is refused service by service is told there."""
    why = site.against(terms.policy)
    if not why:
        return _AGREED
    if any((terms.policy, service) in site.refused for service in destinations):
        return _AGREED
    notes.refuse(terms.policy, paths, *why, destinations=destinations)
    return Agreement(False)


def is_refused(
    policy: DocRef, uses: Iterable[Use], word: OnUnsupported, service: ServiceRef, site: Site, notes: Notes
) -> bool:
    """Whether the adapter found that it cannot do a policy on one service; refuses it there."""
    why = site.against(policy, service)
    if why:
        notes.refuse(policy, paths_of(uses, site, site.profile(service)), *why, destinations=(service,))
    if why and word.over(site.world.desired.settings.on_unsupported).default is Otherwise.FAIL:
        for finding in why:
            notes.reject(finding)
    return bool(why)


def paths_of(uses: Iterable[Use], site: Site, profile: str = "") -> list[str]:
    """The capability paths of uses, as verdicts name them."""
    return [reported(use, claim_for(use, site, profile)) for use in uses]


def _outcome(terms: Terms, site: Site, profile: str) -> _Outcome:
    known_parts = site.world.known.get((id(terms.uses), shape_of))
    parts = known_parts[1] if known_parts else shape_of(terms.uses)
    shape = (profile, terms.on_unsupported.emulate is not False, terms.deny, terms.connections, parts)
    known: _Outcome | None = site.answered.get(shape)
    if known is None:
        known = _found(terms, site, profile)
        if len({part[:2] for part in parts}) == len(parts):  # else their places decide between uses of one thing
            site.answered[shape] = known
    return known


def uses_of(policy: _P, find: Callable[[_P], tuple[Use, ...]], site: Site) -> tuple[Use, ...]:
    """What a policy uses wherever it is applied."""
    uses = site.world.once(policy, find)
    site.world.once(uses, shape_of)
    return uses


def shape_of(uses: Iterable[Use]) -> tuple[tuple[object, ...], ...]:
    """Uses without the places in which they are written."""
    return tuple((use.path, use.detail, type(use.value), use.value, use.count) for use in uses)


def _found(terms: Terms, site: Site, profile: str) -> _Outcome:
    found = _found_out(terms, site, profile)
    lacking = any(one.lack is not None for one in found)
    rows = tuple(_row(terms, one, APPLIED, one.claim.note) for one in found if one.claim is not None)
    return _Outcome(tuple((one.claim, one.lack) for one in found), None if lacking else rows)


def _found_out(terms: Terms, site: Site, profile: str) -> list[_Answer]:
    """Of two that exclude each other the one that may not be left out stays, then the first by path."""
    emulate = terms.on_unsupported.emulate is not False
    kept: list[tuple[Use, Capability]] = []
    found: dict[Use, _Answer] = {}
    for use in sorted(terms.uses, key=lambda use: (_droppable(use.path, terms), use.path, use.detail, use.position)):
        claim = claim_for(use, site, profile)
        lack = lack_of(use, claim, site, emulate)
        if lack is None and terms.connections is not None:
            lack = unseen(use, terms.connections)
        if lack is None and claim is not None:
            lack = _together(use, claim, kept, terms.uses, site) or _not_completed(use, claim, terms, site)
        if lack is None and claim is not None:
            kept.append((use, claim))
        found[use] = _Answer(use, claim, lack)
    return [found[use] for use in terms.uses]


def _together(
    use: Use, claim: Capability, kept: Sequence[tuple[Use, Capability]], uses: Sequence[Use], site: Site
) -> Lack | None:
    if other := excluded_by(use, claim, kept):
        return Lack(f"{site.document.ref.name} cannot do it together with {other}", "leave one of the two out")
    if other := missing_for(claim, uses):
        return Lack(f"{site.document.ref.name} can do it only together with {other}", f"set {other} too")
    return None


def _not_completed(use: Use, claim: Capability, terms: Terms, site: Site) -> Lack | None:
    """A claim that needs more than is asked, where nothing may be emulated."""
    added = completed_by(use, claim, terms.uses) if terms.on_unsupported.emulate is False else ()
    if not added:
        return None
    return Lack(f"{site.document.ref.name} can do it only together with {added[0]}", f"set {added[0]} too")


def _may_go(one: _Answer, lacking: Sequence[_Answer], answers: Sequence[_Answer], terms: Terms) -> bool:
    """Whether a lack is met by leaving the field out."""
    if not _droppable(one.use.path, terms) or (one.lack and one.lack.unknown):
        return False
    if one.lack and one.lack.moot:
        return True
    for family in VARIANTS:
        others = [other for other in answers if other.use.path.startswith(f"{family}.")]
        if one in others and any(other not in lacking for other in others):
            return True
    globs = terms.on_unsupported.allow_degrade or ()
    return terms.on_unsupported.default is Otherwise.DEGRADE or any(
        fnmatchcase(path, glob) or fnmatchcase(path, f"{glob}.*") for glob in globs for path in (one.path, one.use.path)
    )


def _droppable(path: str, terms: Terms) -> bool:
    return droppable(path) or (terms.deny and droppable_of_deny(path))


def _row(terms: Terms, one: _Answer, action: str, note: str) -> Row:
    claim = one.claim
    if claim is None or action != APPLIED:
        return (one.path, Level.NONE.value, action, note, "", "")
    level = claim.level.value
    if added := completed_by(one.use, claim, terms.uses):
        level = Level.EMULATED.value
        note = f"{', '.join(added)} is added where no policy sets it" + (f"; {note}" if note else "")
    return (one.path, level, action, note, claim.side, claim.via)


def _without_requests(terms: Terms, moot: Sequence[_Answer], service: ServiceRef) -> Finding:
    paths = ", ".join(sorted({one.path for one in moot}))
    message = f"no port of {service.label} that {terms.policy} means carries HTTP, so {paths} is left out there"
    hint = moot[0].lack.hint if moot[0].lack else ""
    return warning("http-route-on-tcp", message, moot[0].use.position, hint, terms.policy)


def _finding(terms: Terms, one: _Answer, destinations: tuple[ServiceRef, ...]) -> Finding:
    lack = one.lack or Lack("")
    severe = terms.restricts or lack.unknown or terms.on_unsupported.default is Otherwise.FAIL
    place = f" of {destinations[0].label}" if lack.unseen and destinations else ""
    message = f"{terms.policy} asks for {one.path}{place}, and {lack.why}: nothing of the policy is applied here"
    hint = lack.hint
    if not hint and _droppable(one.use.path, terms):
        hint = f"to go on without it, add {one.path} to onUnsupported.allowDegrade"
    severity = Severity.ERROR if severe else Severity.WARNING
    return Finding(severity, "capability-unsupported", message, one.use.position, hint, (terms.policy,))
