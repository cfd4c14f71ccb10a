"""What Kuma can carry of the neutral API, by how it proves who calls."""

from __future__ import annotations

from reconciler.adapters.claims import Claims, read_claims


def claims(profile: str = "") -> Claims:
    """Every claim by its path."""
    return read_claims("reconciler.adapters.kuma", f"{profile or 'capabilities'}.yaml")
