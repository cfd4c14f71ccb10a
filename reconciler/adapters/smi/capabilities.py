"""What SMI, and each product that speaks it, can carry of the neutral API."""

from __future__ import annotations

from reconciler.adapters.claims import Claims, read_claims
from reconciler.adapters.smi.products import PLAIN

_PACKAGE = "reconciler.adapters.smi"


def claims(profile: str = PLAIN) -> Claims:
    """Every claim by its path; ``profile``: the product."""
    return read_claims(_PACKAGE, f"{profile}.yaml" if profile else "capabilities.yaml")
