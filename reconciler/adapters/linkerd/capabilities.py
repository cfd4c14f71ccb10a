"""What the mesh can carry of the neutral API."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.base import Level
from reconciler.adapters.claims import Claims, read_claims
from reconciler.adapters.gaps import Gaps
from reconciler.model.rules import Leaf


def claims(_profile: str = "") -> Claims:
    """Every claim by its path. There is one way only in which a service is served."""
    return read_claims("reconciler.adapters.linkerd")


def carried(leaves: Iterable[Leaf], gaps: Gaps) -> tuple[Leaf, ...]:
    """The leaves that the mesh can carry, and a gap for each other one, however it came here."""
    kept = []
    for leaf in leaves:
        path = leaf.path
        while path and path not in claims():
            path = path.rpartition(".")[0]
        claim = claims().get(path)
        if claim is None or claim.level is Level.NONE:
            gaps.error("mesh-inexpressible", claim.note if claim else f"the mesh does not know {leaf.path}", leaf)
        else:
            kept.append(leaf)
    return tuple(kept)
