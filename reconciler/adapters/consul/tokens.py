"""Tokens of callers: a JWTProvider for each issuer that policies for a service name, and what a permission asks of a
token.

A proxy reads the token that is shown, lets each request pass, and has the permissions ask for what it has read; so one
that is wrong is as none. They ask only where servers refuse what no intention speaks of: else an allowed caller is one
that is not refused, with or without a token.

Source: agent/xds/jwt_authn.go and agent/xds/rbac.go, since 1.16.1 (1.16.0 took the tokens of one caller for those of
another, CVE-2023-3518).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.consul.kinds import JWT_PROVIDER
from reconciler.adapters.envelopes import build, label_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.issuers import check_agreed, providers
from reconciler.model.access import AccessAction, JwtProvider, TokenPlace
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef
from reconciler.model.selectors import Match

#: where a token is when nothing is said of that
_BEARER = TokenPlace("header", "authorization", "Bearer ")
#: how long a proxy waits for keys; without it as long as it takes
_PATIENCE = 5000
Native = dict[str, Any]


def objects(service: ServiceRef, asked: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    """A provider for each issuer, by whom alone this service uses it."""
    check_agreed(asked, gaps)
    made = []
    for issuer, one in sorted(providers(asked).items()):
        asking = [access for access in asked if access.jwt and issuer in providers([access])]
        origins = {origin for access in asking for origin in access.origins}
        spec = _provider(one, gaps.about(origins))
        made.append(build(intent, JWT_PROVIDER, service.namespace, _name(service, issuer), spec, origins))
    return made


def asked_of(match: Match, access: AccessIntent, all_of: Iterable[AccessIntent], gaps: Gaps) -> list[Native] | None:
    """``jwt.providers`` of a permission, any of which will do; None where no token is needed. Claims are of a token of
    the policy's own issuers, or of any of the service's (``all_of`` its policies) where it names none."""
    wanted = (*(access.jwt.claims if access.jwt else ()), *match.jwt_claims)
    if access.jwt is None and not wanted:
        return None
    if access.action is not AccessAction.ALLOW:
        told = "the mesh asks for claims of who is allowed only: a refusal would hold with any token, and without one"
        gaps.error("mesh-inexpressible", told, hint="name in the policies that allow the claims that are let in")
        return []
    if access.jwt is not None and not access.jwt.require:
        told = "the mesh takes a wrong token for none, so it cannot refuse wrong ones only"
        gaps.error("mesh-inexpressible", told, hint="leave jwt.require out, or match the requests that need a token")
    issuers = sorted(providers([access] if access.jwt else all_of))
    ways = product(*([{"path": list(one.path), "value": value} for value in one.values] for one in wanted))
    claims = [{"verifyClaims": list(way)} if way else {} for way in ways]
    return [{"name": _name(access.service, issuer)} | claim for issuer in issuers for claim in claims]


def check_default(intent: MeshIntent, gaps: Gaps) -> None:
    """A gap where servers let in what no intention speaks of, or it is not known that they do not."""
    if (found := intent.mesh.settings.get("default", "")) != "deny":
        told = "the mesh asks for tokens only where its servers refuse what no intention speaks of"
        known = "and these let it in" if found else "and it is not known that these do"
        hint = "switch access control on: acl.default_policy deny, or global.acls.manageSystemACLs of the chart"
        gaps.error("mesh-inexpressible", f"{told}, {known}", hint=hint)


def _name(service: ServiceRef, issuer: str) -> str:
    readable = f"{service.name}-{urlsplit(issuer).hostname or issuer}"
    return label_name(readable, (service.namespace, service.name, issuer), ambiguous=True)


def _provider(one: JwtProvider, gaps: Gaps) -> Native:
    spec: Native = {"issuer": one.issuer, "jsonWebKeySet": _keys(one, gaps)}
    spec |= {"audiences": list(one.audiences)} if one.audiences else {}
    places = one.places or (_BEARER,)
    _check_forwarding(one, places, gaps)
    return spec | {"locations": [_place(place, forward=one.forward) for place in places]}


def _place(place: TokenPlace, *, forward: bool) -> Native:
    if place.kind != "header":
        return {"queryParam" if place.kind == "query" else "cookie": {"name": place.name}}
    prefix = {"valuePrefix": place.prefix} if place.prefix else {}
    return {"header": {"name": place.name} | prefix | ({"forward": True} if forward else {})}


def _check_forwarding(one: JwtProvider, places: Iterable[TokenPlace], gaps: Gaps) -> None:
    """Only of a header it can be said that the token stays; proxies never take it out of a cookie, and some of them
    take it out of a query."""
    kinds = {place.kind for place in places}
    if not one.forward and kinds - {"header"}:
        told = f"proxies may leave tokens of {one.issuer} in a query or a cookie, where the service sees them"
        gaps.error("mesh-inexpressible", told, hint="set forward: true, or take them from headers")
    if one.forward and kinds == {"query"}:
        told = f"proxies may take tokens of {one.issuer} out of the query, so that the service does not see them"
        gaps.error("mesh-inexpressible", told, hint="take them from a header, too")


def _keys(one: JwtProvider, gaps: Gaps) -> Native:
    if one.jwks:
        return {"local": {"jwks": b64encode(one.jwks.encode()).decode()}}
    if not one.jwks_uri:
        told = f"the keys of {one.issuer} are to be found by its discovery, which the mesh does not ask"
        gaps.error("mesh-inexpressible", told, hint="name them by jwksUri, jwks or jwksRef")
    elif one.jwks_uri.startswith("https://"):
        told = f"proxies take the keys of {one.issuer} from whoever answers for {one.jwks_uri}, without proof"
        gaps.warning("keys-unproved", told, hint="write the keys down by jwksRef")
    return {"remote": {"uri": one.jwks_uri, "requestTimeoutMs": _PATIENCE}}
