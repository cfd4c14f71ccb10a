"""What Istio can carry of the neutral API, by the way in which it serves a service."""

from __future__ import annotations

from reconciler.adapters.base import Capability
from reconciler.adapters.claims import Claims, read_claims


def claims(profile: str = "") -> Claims:
    """Every claim by its path."""
    return read_claims("reconciler.adapters.istio", f"{profile or 'capabilities'}.yaml")


def claim(path: str, profile: str = "") -> Capability | None:
    """The claim that covers a path: its own, or the nearest one above it."""
    found = claims(profile)
    while path:
        if path in found:
            return found[path]
        path = path.rpartition(".")[0]
    return None
