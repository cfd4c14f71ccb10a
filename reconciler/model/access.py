"""AccessPolicy: who may call what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import DocRef
from reconciler.model.rules import NativePatch, OnUnsupported
from reconciler.model.selectors import ClaimMatch, Match, PolicySource, PolicyTarget


class AccessAction(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"
    AUDIT = "Audit"  # marks requests, and decides nothing
    CUSTOM = "Custom"  # a provider decides besides

    @property
    def restricts(self) -> bool:
        """Whether more would be let through without it."""
        return self in (AccessAction.DENY, AccessAction.CUSTOM)


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where in a request a token is looked for. ``kind``: header | query | cookie; ``prefix`` of a header's value."""

    kind: str
    name: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class JwtProvider:
    """Who issues tokens, and how they are checked. Without keys they are found by the issuer's own discovery; without
    places a token is the bearer of the authorization header. ``forward``: the service sees the token too."""

    issuer: str
    jwks_uri: str = ""
    jwks: str = ""
    audiences: tuple[str, ...] = ()
    places: tuple[TokenPlace, ...] = ()
    forward: bool = True
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Jwt:
    """Tokens that callers show. ``require``: only requests with a valid one are allowed; without it a token that is
    shown must be valid, and none need be. ``claims`` are ANDed."""

    providers: tuple[JwtProvider, ...]
    require: bool = True
    claims: tuple[ClaimMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """``authorizes`` and ``scopes`` are its effects: to decide calls, and to be the reach of the callers' proxies."""

    ref: DocRef
    position: Position
    action: AccessAction
    targets: tuple[PolicyTarget, ...]
    sources: tuple[PolicySource, ...] | None = None  # None: every caller, those without identity included
    matches: tuple[Match, ...] = ()
    expires: datetime | None = None
    on_unsupported: OnUnsupported = OnUnsupported()
    native: tuple[NativePatch, ...] = ()
    provider: str = ""  # of a Custom
    jwt: Jwt | None = None  # of an Allow
    authorizes: bool = True
    scopes: bool = False
    priority: int = 0  # an Allow wins over a Deny or a Custom of a lower one
