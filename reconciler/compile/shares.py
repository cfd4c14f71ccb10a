"""Weights that look like percents and do not add up to 100. They are relative, so they work; but not as was thought."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.compile.entries import ROUTE, route_entries
from reconciler.model.findings import Finding, warning
from reconciler.model.rules import Leaf

_NEAR = range(90, 111)


def odd_shares(leaves: Iterable[Leaf]) -> Iterable[Finding]:
    """A warning for each route whose weights come near 100 and miss it; equal ones (33, 33, 33) are meant so."""
    for leaf in leaves:
        weights = [entry.weight for entry in route_entries(leaf)] if leaf.path == ROUTE else []
        total = sum(weights)
        if len(weights) > 1 and total != 100 and total in _NEAR and len(set(weights)) > 1:
            listed = ", ".join(f"{weight:g}" for weight in weights)
            message = (
                f"the weights {listed} look like percents and add up to {total:g}: each gets its share of {total:g}"
            )
            yield warning("weights-near-100", message, leaf.position, "make them add up to 100", leaf.policy)
