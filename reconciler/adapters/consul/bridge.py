"""Make before break: servers refuse to take away a subset, or a protocol that carries requests, while a live route or
split still needs it. So both are kept until the routes have moved and what is not asked for any more is removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.consul.kinds import SERVICE_DEFAULTS, SERVICE_RESOLVER
from reconciler.adapters.consul.speaking import TCP
from reconciler.adapters.leaves import section

Body = Mapping[str, Any]


def bridge(live: Body, desired: Body) -> Body | None:
    """What to apply before the routes change; None where nothing that they may need goes away."""
    before, after = section(live, "spec"), section(desired, "spec")
    if desired.get("kind") == SERVICE_RESOLVER.kind.kind:
        kept, asked = section(before, "subsets"), section(after, "subsets")
        subsets = dict(sorted({**kept, **asked}.items()))
        return {**desired, "spec": {**after, "subsets": subsets}} if kept.keys() - asked.keys() else None
    if desired.get("kind") == SERVICE_DEFAULTS.kind.kind:
        spoken = before.get("protocol", TCP)
        if spoken != TCP and after.get("protocol", TCP) == TCP:
            return {**desired, "spec": {**after, "protocol": spoken}}
    return None
