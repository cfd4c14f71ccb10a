"""What Gateway API has for a route and the mesh does not take (operator/pkg/gateway-api/gatewayclass_status.go)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.gaps import Gaps
from reconciler.model.rules import Leaf

_LACKING = {"traffic.cors": "the mesh does not take the filter CORS"}


def tell_lacks(leaves: Iterable[Leaf], gaps: Gaps) -> None:
    """An error for each leaf that would be written and not be done."""
    for leaf in leaves:
        for path, told in _LACKING.items():
            if leaf.path == path or leaf.path.startswith(f"{path}."):
                gaps.error("mesh-inexpressible", told, leaf)
