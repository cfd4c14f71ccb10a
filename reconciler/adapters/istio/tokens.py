"""RequestAuthentication: which tokens a service takes, one object for all that access policies say of it; and what
these ask of a token, as conditions of their rules.

The first only refuses tokens that are wrong: that there must be one is for the rules to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import REQUEST_AUTHENTICATION
from reconciler.adapters.istio.objects import build, object_name
from reconciler.adapters.istio.profiles import bound
from reconciler.model.access import JwtProvider
from reconciler.model.findings import NOWHERE
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef
from reconciler.model.selectors import ClaimMatch

_PLACES = {"query": "fromParams", "cookie": "fromCookies"}


def emit(intent: MeshIntent) -> Iterable[Built]:
    for group in groups(intent):
        gaps = Gaps()
        origins = [origin for access in group for origin in access.origins]
        yield built([request_authentication(group, intent, gaps)], gaps, origins, intent, group[0].service)


def groups(intent: MeshIntent) -> list[list[AccessIntent]]:
    """The access intents with tokens, by service and part of it."""
    found: dict[tuple[ServiceRef, str], list[AccessIntent]] = {}
    for access in intent.access:
        if access.jwt is not None:
            found.setdefault((access.service, access.part), []).append(access)
    return [found[place] for place in sorted(found)]


def request_authentication(group: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps) -> NativeObject:
    first = group[0]
    check((one for one in intent.access if one.service == first.service), gaps)
    providers = {one.issuer: one for access in group for one in (access.jwt.providers if access.jwt else ())}
    spec = bound(first.service, first.selector, intent) | {
        "jwtRules": [_rule(providers[issuer]) for issuer in sorted(providers)]
    }
    origins = [origin for access in group for origin in access.origins]
    name = f"{first.service.name}-jwt"
    if first.part:
        name = object_name(f"{first.service.name}.{first.part}.jwt", (first.service.name, first.part), ambiguous=True)
    return build(intent, REQUEST_AUTHENTICATION, first.service.namespace, name, spec, origins)


def check(group: Iterable[AccessIntent], gaps: Gaps) -> None:
    """Of two ways to take the tokens of one issuer neither is written: either would let more through."""
    known: dict[str, JwtProvider] = {}
    for access in group:
        for one in access.jwt.providers if access.jwt else ():
            plain = replace(one, position=NOWHERE)
            if known.setdefault(one.issuer, plain) != plain:
                message = f"policies for {access.service.label} take the tokens of {one.issuer} in different ways"
                gaps.error("tokens-differ", message, hint="say the same of this issuer in each of them")


def _rule(provider: JwtProvider) -> dict[str, Any]:
    rule: dict[str, Any] = {"issuer": provider.issuer}
    if provider.jwks_uri:
        rule["jwksUri"] = provider.jwks_uri
    if provider.jwks:
        rule["jwks"] = provider.jwks
    if provider.audiences:
        rule["audiences"] = list(provider.audiences)
    for place in provider.places:
        if place.kind == "header":
            said = {"name": place.name} | ({"prefix": place.prefix} if place.prefix else {})
            rule.setdefault("fromHeaders", []).append(said)
        else:
            rule.setdefault(_PLACES[place.kind], []).append(place.name)
    if provider.forward:
        rule["forwardOriginalToken"] = True
    return rule


def principals(access: AccessIntent) -> list[str]:
    """Issuers whose tokens a rule requires, as prefixes of what the mesh makes of issuer and subject."""
    if access.jwt is None or not access.jwt.require:
        return []
    return sorted(f"{one.issuer}/*" for one in access.jwt.providers)


def conditions(access: AccessIntent, intent: MeshIntent) -> list[dict[str, Any]]:
    """What holds for every rule of an access intent. Where one issuer begins like another, the prefix of the first
    would take the tokens of the second, so the claim itself is asked too."""
    if access.jwt is None:
        return []
    own = sorted(one.issuer for one in access.jwt.providers)
    same = [one.jwt for one in intent.access_by_service.get(access.service, ()) if one.jwt is not None]
    others = {provider.issuer for one in same for provider in one.providers} - set(own)
    found = [claim(one) for one in access.jwt.claims]
    if access.jwt.require and any(other.startswith(f"{issuer}/") for other in others for issuer in own):
        found.append(claim(ClaimMatch(("iss",), tuple(own))))
    return found


def claim(asked: ClaimMatch) -> dict[str, Any]:
    key = "".join(f"[{name}]" for name in asked.path)
    return {"key": f"request.auth.claims{key}", "values": list(asked.values)}


def unverified(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> None:
    """A claim is known only of a token that something verifies."""
    asks = any(match.jwt_claims for match in access.matches)
    if asks and not any(one.jwt is not None for one in intent.access_by_service.get(access.service, ())):
        verb = "allows" if not access.action.restricts else "holds for"
        gaps.warning(
            "tokens-unverified",
            f"{access.policy} asks for claims, and nothing says whose tokens {access.service.label} takes: "
            f"it {verb} nobody",
            hint="add jwt.providers to the policy that allows calls",
        )
