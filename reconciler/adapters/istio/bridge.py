"""Make before break: a DestinationRule keeps the subsets that live routes still use, until the routes have moved.

A route to a subset that is not there answers 503, so subsets go in two steps: first all of both, then those asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.istio.kinds import DESTINATION_RULE


def bridge(live: Mapping[str, Any], desired: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What to apply before the routes change; None when no subset goes away."""
    if desired.get("kind") != DESTINATION_RULE.kind.kind:
        return None
    asked = desired.get("spec", {}).get("subsets") or []
    names = {subset["name"] for subset in asked}
    going = [subset for subset in live.get("spec", {}).get("subsets") or [] if subset.get("name") not in names]
    if not going:
        return None
    subsets = sorted([*asked, *going], key=lambda subset: str(subset.get("name")))
    return {**desired, "spec": {**desired["spec"], "subsets": subsets}}
