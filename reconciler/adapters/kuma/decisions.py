"""What a permission can decide, with or without a MeshIdentity: by who calls, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.gaps import Gaps
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.selectors import Match

FIELDS = {AccessAction.ALLOW: "allow", AccessAction.DENY: "deny"}


def check(group: Iterable[AccessIntent], intent: MeshIntent, gaps: Gaps) -> None:
    """What no permission can say, and what will not do what was asked."""
    for access in group:
        if access.action not in FIELDS:
            gaps.error("mesh-inexpressible", f"the mesh allows and denies; it cannot {access.action.value.lower()}")
        if not access.selector:
            told = f"no workloads are known behind {access.service}, so nothing can be selected"
            gaps.error("mesh-inexpressible", told)
        if access.ports or access.jwt or any(match != Match() for match in access.matches):
            gaps.error("mesh-inexpressible", "the mesh decides by the identity of callers, whatever they ask for")
        if intent.mesh.mtls == "Disabled":
            told = (
                f"{access.policy} is about callers of {access.service}, whose identity nothing proves: there is no mTLS"
            )
            (gaps.error if access.action is AccessAction.DENY else gaps.warning)("identity-without-mtls", told)
