"""What a mesh can do of one thing that a policy uses: its claim, and why it lacks it if it does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache

from reconciler.adapters.base import Capability, Level
from reconciler.compile.paths import Use, needs_requests
from reconciler.compile.site import Site
from reconciler.model.refs import KindId

_OFF = "None"


class Connections(Enum):
    """Where no requests are seen, connections are: whether the mesh chooses where they go, or not."""

    ROUTED = "routed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a use cannot be carried. ``unknown``: the adapter never heard of it, which is a defect of ours. ``unseen``:
    the mesh could do it, but not where no port carries requests. ``moot``: and there is nothing that it could be
    about."""

    why: str
    hint: str = ""
    unknown: bool = False
    unseen: bool = False
    moot: bool = False


def claim_for(use: Use, site: Site, profile: str) -> Capability | None:
    """The claim on the finer path if the adapter makes one, else on the path; of one that says how it is done on
    older versions, what holds for the running one."""
    finer = site.adapter.capability(use.detail, profile) if use.detail else None
    claim = finer or site.adapter.capability(use.path, profile)
    while claim is not None and claim.otherwise is not None and _outdated(claim, site):
        claim = claim.otherwise
    return claim


def reported(use: Use, claim: Capability | None) -> str:
    """The path that a verdict names: the finer one where the claim is about it."""
    finer = claim is not None and use.detail and (claim.path == use.detail or claim.path.startswith(f"{use.path}."))
    return claim.path if finer and claim is not None else use.path


def lack_of(use: Use, claim: Capability | None, site: Site, emulate: bool) -> Lack | None:
    """What keeps the mesh of a site from carrying a use by itself; None where nothing does."""
    mesh = site.document.ref.name
    if any(forbids(glob, use) for glob in site.document.disabled_capabilities):
        return Lack(f"{mesh} has it disabled", "see capabilities.disable of the Mesh document")
    if claim is None:
        return Lack(f"the adapter {site.adapter.name} does not know it", unknown=True)
    if claim.level is Level.NONE:
        return Lack(f"{_called(mesh, site.document.type)} cannot do it" + (f": {claim.note}" if claim.note else ""))
    if older(site.mesh.version, claim.since):
        return Lack(f"{mesh} needs version {claim.since} for it, and runs {site.mesh.version}", "upgrade the mesh")
    if missing := [need for need in claim.needs if not _is_there(need, site)]:
        return Lack(f"cluster {site.target.cluster} does not serve {missing[0]}", "upgrade the CRDs of the mesh")
    if claim.level is Level.EMULATED and not emulate:
        return Lack(f"{mesh} could only emulate it ({claim.via or claim.note})", "set onUnsupported.emulate to true")
    return _limit(use, claim, mesh)


def unseen(use: Use, connections: Connections) -> Lack | None:
    """What keeps a use from holding where no port carries requests."""
    if not needs_requests(use, routed=connections is Connections.ROUTED):
        return None
    hint = "name the port http or grpc, or declare its appProtocol"
    return Lack("no port that is meant carries HTTP", hint, unseen=True, moot=needs_requests(use, routed=True))


def _called(mesh: str, mesh_type: str) -> str:
    return mesh if mesh == mesh_type else f"{mesh} ({mesh_type})"


def _limit(use: Use, claim: Capability, mesh: str) -> Lack | None:
    if claim.values and use.value is not None and use.value not in claim.values:
        allowed = ", ".join(str(value) for value in claim.values)
        return Lack(f"{mesh} cannot do {use.value} there", f"it can do {allowed}")
    if claim.most and use.count > claim.most:
        return Lack(f"{mesh} takes at most {claim.most} of it, not {use.count}", "split the policy")
    return None


def _outdated(claim: Capability, site: Site) -> bool:
    return older(site.mesh.version, claim.since) or not all(_is_there(need, site) for need in claim.needs)


def _is_there(need: str, site: Site) -> bool:
    """Whether a kind, or a field of it, is served; true where the cluster cannot say."""
    kind, _, field = need.partition(" ")
    name, _, group = kind.partition(".")
    if site.cluster.crds is None:
        return True
    served = site.cluster.crds.get(KindId(group, name))
    return served is not None and (not field or served.fields is None or field in served.fields)


def excluded_by(use: Use, claim: Capability, kept: Iterable[tuple[Use, Capability]]) -> str:
    """The capability in use already that cannot go together with this one, or ""; either claim may say so."""
    for other, its_claim in kept:
        if (claim.excludes or its_claim.excludes) and (
            _names(claim.excludes, other) or _names(its_claim.excludes, use)
        ):
            return reported(other, its_claim)
    return ""


def missing_for(claim: Capability, uses: Iterable[Use]) -> str:
    """The first capability that a claim requires and that is not used, or ""."""
    if not claim.requires:
        return ""
    used = list(uses)
    return next((path for path in claim.requires if not any(_below(one, path) for one in used)), "")


def completed_by(use: Use, claim: Capability, uses: Iterable[Use]) -> tuple[str, ...]:
    """What the mesh needs beside a claim and a policy does not ask for; nothing for what is to be off."""
    if not claim.completes or use.value == _OFF:
        return ()
    used = list(uses)
    return tuple(path for path in claim.completes if not any(_below(one, path) for one in used))


def _names(paths: Iterable[str], use: Use) -> bool:
    return any(_below(use, path) for path in paths)


def _below(use: Use, path: str) -> bool:
    return any(one == path or one.startswith(f"{path}.") for one in (use.path, use.detail))


def older(running: str, since: str) -> bool:
    """Whether a version is known to be before another; of both the numbers at the front count."""
    first, second = _numbers(running), _numbers(since)
    return bool(first and second) and first[: len(second)] < second


@lru_cache(maxsize=1000)
def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def forbids(glob: str, use: Use) -> bool:
    """A glob names a path and all below it."""
    path = use.detail or use.path
    while path:
        if fnmatchcase(path, glob) or fnmatchcase(use.path, glob):
            return True
        path = path.rpartition(".")[0]
    return False
