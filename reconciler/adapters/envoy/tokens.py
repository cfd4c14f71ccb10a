"""Tokens of callers: the filter that refuses wrong ones, and what rules ask of the right ones.

The filter lets requests without a token pass: that there must be one is for the rules to ask, each of which may ask for
those of other issuers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.envoy.arrivals import Arrival
from reconciler.adapters.envoy.conditions import Permission, any_of
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.servers import outside_cluster
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.issuers import check_agreed, providers
from reconciler.model.access import JwtProvider, TokenPlace
from reconciler.model.intents import AccessIntent
from reconciler.model.selectors import ClaimMatch

TOKENS = "reconciler.tokens"
_JWT = "envoy.extensions.filters.http.jwt_authn.v3"
#: under which the filter leaves what it has read
_READ = "envoy.filters.http.jwt_authn"
_REQUIREMENT = "shown-ones-are-valid"
_PLACES = {"query": "from_params", "cookie": "from_cookies"}
_BEARER = TokenPlace("header", "authorization", "Bearer ")
#: claims that are a list of words in one text
_WORDS = ["scope", "permission"]
Native = dict[str, Any]


def issuers(arrival: Arrival) -> tuple[str, ...]:
    return tuple(sorted(providers(arrival.access)))


def filters(arrival: Arrival, gaps: Gaps) -> list[Native]:
    """The filter for the listener, where any policy of the service speaks of tokens."""
    known = providers(arrival.access)
    check_agreed(arrival.access, gaps)
    if not known or not arrival.is_http:
        return []
    shown = [*({"provider_name": name} for name in sorted(known)), {"allow_missing": {}}]
    config = typed(
        f"{_JWT}.JwtAuthentication",
        providers={name: _provider(known[name], arrival, gaps) for name in sorted(known)},
        requirement_map={_REQUIREMENT: {"requires_any": {"requirements": shown}}},
    )
    return [{"name": TOKENS, "typed_config": config}]


def turned_on(arrival: Arrival) -> dict[str, Native]:
    """What the virtual host says of the filter."""
    if not providers(arrival.access):
        return {}
    return {TOKENS: typed(f"{_JWT}.PerRouteConfig", requirement_name=_REQUIREMENT)}


def clusters(arrival: Arrival, gaps: Gaps) -> Iterator[Native]:
    """From where keys are fetched: one for each address, of this port alone."""
    for address in sorted({_address(one.jwks_uri) for one in providers(arrival.access).values() if one.jwks_uri}):
        yield outside_cluster(_cluster_name(arrival, address), address, gaps)


def asked(access: AccessIntent, arrival: Arrival) -> list[Permission]:
    """What an access policy asks of tokens besides its matches, all of it."""
    if access.jwt is None:
        return []
    own = sorted({one.issuer for one in access.jwt.providers})
    found = [any_of(_claim(one, ("iss",), (one,)) for one in own)] if access.jwt.require else []
    return found + [claim(one, own) for one in access.jwt.claims]


def claim(wanted: ClaimMatch, of: Iterable[str]) -> Permission:
    """A claim of a valid token of one of these issuers, alone or one of a list, has one of the values."""
    return any_of(_claim(issuer, wanted.path, wanted.values) for issuer in of)


def _claim(issuer: str, path: tuple[str, ...], values: tuple[str, ...]) -> Permission:
    texts = [{"string_match": {"exact": value}} for value in values]
    either = [*texts, *({"list_match": {"one_of": text}} for text in texts)]
    place = [{"key": key} for key in (issuer, *path)]
    return {"metadata": {"filter": _READ, "path": place, "value": {"or_match": {"value_matchers": either}}}}


def _provider(one: JwtProvider, arrival: Arrival, gaps: Gaps) -> Native:
    places = one.places or (_BEARER,)
    if not one.forward and any(place.kind == "cookie" for place in places):
        told = f"the proxy does not take tokens of {one.issuer} out of a cookie, so the service sees them"
        gaps.error("mesh-inexpressible", told, hint="set forward: true, or take them from a header")
    found: Native = {
        "issuer": one.issuer,
        "forward": one.forward,
        "payload_in_metadata": one.issuer,
        "normalize_payload_in_metadata": {"space_delimited_claims": _WORDS},
        "from_headers": [_header(place) for place in places if place.kind == "header"],
        **{field: [place.name for place in places if place.kind == kind] for kind, field in _PLACES.items()},
        **({"audiences": list(one.audiences)} if one.audiences else {}),
        **_keys(one, arrival, gaps),
    }
    return {key: value for key, value in found.items() if value != []}


def _header(place: TokenPlace) -> Native:
    return {"name": place.name} | ({"value_prefix": place.prefix} if place.prefix else {})


def _keys(one: JwtProvider, arrival: Arrival, gaps: Gaps) -> Native:
    if one.jwks:
        return {"local_jwks": {"inline_string": one.jwks}}
    if not one.jwks_uri:
        told = f"the keys of {one.issuer} are to be found by its discovery, which the proxy does not ask"
        gaps.error("mesh-inexpressible", told, hint="name them by jwksUri, jwks or jwksRef")
        return {}
    cluster = _cluster_name(arrival, _address(one.jwks_uri))
    uri = {"uri": one.jwks_uri, "cluster": cluster, "timeout": "5s"}
    return {"remote_jwks": {"http_uri": uri, "cache_duration": "300s"}}


def _address(uri: str) -> str:
    """``https://host:port``; without a port that of the scheme."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _cluster_name(arrival: Arrival, address: str) -> str:
    return f"{arrival.name}.keys.{urlsplit(address).hostname}.{urlsplit(address).port}"
