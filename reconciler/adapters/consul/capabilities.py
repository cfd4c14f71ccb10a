"""What Consul can carry of the neutral API."""

from __future__ import annotations

from reconciler.adapters.claims import Claims, read_claims


def claims(_profile: str = "") -> Claims:
    """Every claim by its path. There is one way only in which a service is served."""
    return read_claims("reconciler.adapters.consul")
