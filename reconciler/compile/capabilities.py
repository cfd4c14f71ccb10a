"""What a mesh can do of what a policy uses: a verdict for each capability; where one lacks, the whole is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from reconciler.adapters.base import Capability, Level
from reconciler.compile.notes import APPLIED, Notes
from reconciler.compile.paths import Use
from reconciler.compile.site import Site
from reconciler.model.findings import Finding, Severity
from reconciler.model.refs import DocRef


def allowed(policy: DocRef, uses: Iterable[Use], site: Site, notes: Notes, deny: bool = False) -> bool:
    """Whether the mesh of a site can do all that is used; writes the verdicts, and refuses the policy if not.

    ``deny``: less would be denied than was asked, so every lack is an error.
    """
    wanted = list(uses)
    lacks: list[Finding] = []
    for use in wanted:
        claim = claim_for(use, site)
        path = reported(use, claim)
        lack = _lack(policy, path, use, claim, site, deny)
        if lack is None and claim is not None:
            notes.verdict(policy, path, claim.level.value, APPLIED, claim.note)
        elif lack is not None:
            lacks.append(lack)
            notes.refuse(policy, [path], lack)
    if lacks:
        notes.refuse(policy, [reported(use, claim_for(use, site)) for use in wanted], *lacks)
    return not lacks


def paths_of(uses: Iterable[Use], site: Site) -> list[str]:
    """The capability paths of uses, as verdicts name them."""
    return [reported(use, claim_for(use, site)) for use in uses]


def claim_for(use: Use, site: Site) -> Capability | None:
    """The claim on the finer path if the adapter makes one, else on the path."""
    return (site.adapter.capability(use.detail) if use.detail else None) or site.adapter.capability(use.path)


def reported(use: Use, claim: Capability | None) -> str:
    finer = claim is not None and use.detail and claim.path.startswith(f"{use.path}.")
    return claim.path if finer and claim is not None else use.path


def _lack(policy: DocRef, path: str, use: Use, claim: Capability | None, site: Site, deny: bool) -> Finding | None:
    mesh = site.document.ref.name
    severity = Severity.ERROR if deny else Severity.WARNING
    if any(_forbids(glob, use) for glob in site.document.disabled_capabilities):
        why, hint = f"{mesh} has it disabled", "see capabilities.disable of the Mesh document"
    elif claim is None:
        why, hint, severity = f"the adapter {site.adapter.name} does not know it", "", Severity.ERROR
    elif claim.level is Level.NONE:
        why, hint = f"{mesh} ({site.document.type}) cannot do it" + (f": {claim.note}" if claim.note else ""), ""
    elif _older(site.mesh.version, claim.since):
        why, hint = f"{mesh} needs version {claim.since} for it, and runs {site.mesh.version}", "upgrade the mesh"
    else:
        return None
    message = f"{policy} asks for {path}, and {why}: nothing of the policy is applied here"
    return Finding(severity, "capability-unsupported", message, use.position, hint, (policy,))


def _older(running: str, since: str) -> bool:
    """Whether a version is known to be before another; of both the numbers at the front count."""
    first, second = (tuple(int(part) for part in re.findall(r"\d+", text)[:3]) for text in (running, since))
    return bool(first and second) and first[: len(second)] < second


def _forbids(glob: str, use: Use) -> bool:
    """A glob forbids a path and all below it."""
    path = use.detail or use.path
    while path:
        if fnmatchcase(path, glob) or fnmatchcase(use.path, glob):
            return True
        path = path.rpartition(".")[0]
    return False
