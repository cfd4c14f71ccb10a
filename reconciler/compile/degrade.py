"""Conditions without those that a mesh lacks: only ever for a Deny, which then denies more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from reconciler.model.selectors import Match, ValueMatch


def without(matches: Iterable[Match], dropped: Collection[str], kind: str = "access") -> tuple[Match, ...]:
    """The matches without the conditions at the dropped capability paths (``access.match.query``)."""
    base = f"{kind}.match"
    gone = {path.removeprefix(f"{base}.") for path in dropped if path.startswith(f"{base}.")}
    return tuple(_without(match, gone) for match in matches) if gone else tuple(matches)


def _without(match: Match, gone: Collection[str]) -> Match:
    path = match.path
    if path is not None and f"path.{path.kind.value}" in gone:
        path = None
    left: tuple[ValueMatch, ...] = ()
    return replace(
        match,
        path=path,
        methods=() if "methods" in gone else match.methods,
        headers=left if "headers" in gone else match.headers,
        query=left if "query" in gone else match.query,
        authority="" if "authority" in gone else match.authority,
        scheme="" if "scheme" in gone else match.scheme,
        ports=() if "ports" in gone else match.ports,
        sni=() if "sni" in gone else match.sni,
        grpc=None if "grpc" in gone else match.grpc,
        jwt_claims=() if "jwtClaims" in gone else match.jwt_claims,
    )
