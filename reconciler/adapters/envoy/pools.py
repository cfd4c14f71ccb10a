"""What holds for a service, or a part of it, as a whole: fields of the Cluster that callers have of it."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.model.destinations import Subset
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent


def pool_fields(host: HostIntent, subset: Subset | None, port: PortFacts, gaps: Gaps) -> dict[str, Any]:
    """Fields of a Cluster that the leaves of a host ask for."""
    return {}
