"""RequestAuthentication: which tokens a service takes, one object for all that access policies say of it; and what
these ask of a token, as conditions of their rules.

The first only refuses tokens that are wrong: that there must be one is for the rules to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.adapters import issuers
from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.issuers import check_agreed
from reconciler.adapters.istio.kinds import REQUEST_AUTHENTICATION
from reconciler.adapters.istio.objects import build, object_name
from reconciler.adapters.istio.profiles import bound
from reconciler.model.access import JwtProvider
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
    check_agreed(intent.access_by_service.get(first.service, ()), gaps)
    providers = issuers.providers(group)
    spec = bound(first.service, first.selector, intent) | {
        "jwtRules": [_rule(providers[issuer]) for issuer in sorted(providers)]
    }
    origins = [origin for access in group for origin in access.origins]
    name = f"{first.service.name}-jwt"
    if first.part:
        name = object_name(f"{first.service.name}.{first.part}.jwt", (first.service.name, first.part), ambiguous=True)
    return build(intent, REQUEST_AUTHENTICATION, first.service.namespace, name, spec, origins)


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
