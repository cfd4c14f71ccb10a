"""Who issues the tokens that access policies take, for adapters of meshes that look at tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.adapters.gaps import Gaps
from reconciler.model.access import JwtProvider
from reconciler.model.findings import NOWHERE
from reconciler.model.intents import AccessIntent


def providers(accesses: Iterable[AccessIntent]) -> dict[str, JwtProvider]:
    """All of them, by issuer."""
    return {one.issuer: one for access in accesses for one in (access.jwt.providers if access.jwt else ())}


def check_agreed(accesses: Iterable[AccessIntent], gaps: Gaps) -> None:
    """A gap where policies for one service take the tokens of an issuer in two ways: either would let more through."""
    known: dict[str, JwtProvider] = {}
    for access in accesses:
        for one in access.jwt.providers if access.jwt else ():
            plain = replace(one, position=NOWHERE)
            if known.setdefault(one.issuer, plain) != plain:
                message = f"policies for {access.service.label} take the tokens of {one.issuer} in different ways"
                gaps.error("tokens-differ", message, hint="say the same of this issuer in each of them")


def warn_unverified(access: AccessIntent, accesses: Iterable[AccessIntent], gaps: Gaps) -> None:
    """A claim is known only of a token that something verifies; ``accesses``: all of the service."""
    if any(match.jwt_claims for match in access.matches) and not any(one.jwt is not None for one in accesses):
        verb = "allows" if not access.action.restricts else "holds for"
        gaps.warning(
            "tokens-unverified",
            f"{access.policy} asks for claims, and nothing says whose tokens {access.service.label} takes: "
            f"it {verb} nobody",
            hint="add jwt.providers to the policy that allows calls",
        )
