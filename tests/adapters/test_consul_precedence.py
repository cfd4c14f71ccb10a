"""The order of permissions, tried out: where nothing is told, each request becomes what its rules together ask for."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from reconciler.adapters.consul.permissions import Asked
from reconciler.adapters.consul.precedence import ALLOW, DENY, Decision, decided
from reconciler.adapters.gaps import Gaps

Http = dict[str, Any]
HTTPS: tuple[Http | None, ...] = (
    None, {"pathExact": "/a"}, {"pathPrefix": "/a"}, {"pathPrefix": "/"}, {"pathExact": "/b", "methods": ["GET"]},
    {"pathPrefix": "/a/", "methods": ["GET"]}, {"pathPrefix": "/a", "methods": ["PUT"]},
)  # fmt: skip
TOKENS = ({"name": "one"}, {"name": "two"})
REQUESTS = tuple(product(("/a", "/a/x", "/b", "/c"), ("GET", "PUT"), ((), ("one",), ("two",), ("one", "two"))))
Request = tuple[str, str, tuple[str, ...]]


def fits(http: Http | None, request: Request) -> bool:
    path, method, _ = request
    if http is None:
        return True
    within = path == http["pathExact"] if "pathExact" in http else path.startswith(http["pathPrefix"])
    return within and method in http.get("methods", [method])


def shown(tokens: Any, request: Request) -> bool:
    return not tokens or any(token["name"] in request[2] for token in tokens)


def asked_for(decisions: list[Decision], rest: str, request: Request) -> str:
    """As the documents have it: a refusal wins but over what is allowed with a higher priority."""
    meant = [one for one in decisions if fits(one.asked.http, request) and shown(one.asked.tokens, request)]
    refused = max((one.priority for one in meant if one.action == DENY), default=None)
    allowed = max((one.priority for one in meant if one.action == ALLOW), default=None)
    if allowed is not None:
        return ALLOW if refused is None or allowed > refused else DENY
    return DENY if refused is not None else rest


def becomes(permissions: list[dict[str, Any]], rest: str, request: Request) -> str:
    """As servers have it: the first that fits decides, and a token is looked at after that."""
    for one in permissions:
        if fits(one["http"], request):
            return str(one["action"]) if shown(one.get("jwt", {}).get("providers"), request) else DENY
    return rest


def some(chance: Random) -> Decision:
    action = chance.choice((ALLOW, ALLOW, DENY))
    http = chance.choice(HTTPS)
    tokens = tuple(one for one in TOKENS if chance.random() < 0.3) if action == ALLOW else ()
    return Decision(
        chance.choice((0, 0, 1, 2)), action, Asked(http or ({"pathPrefix": "/"} if tokens else None), tokens)
    )


@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_means_what_was_asked(seed: int) -> None:
    chance, written = Random(seed), 0
    for _ in range(300):
        decisions = [some(chance) for _ in range(chance.randint(1, 4))]
        rest = DENY if any(one.action == ALLOW for one in decisions) else ALLOW
        gaps = Gaps()
        permissions, left = decided(decisions, rest, gaps)
        if gaps.blocking:
            continue
        written += 1
        for request in REQUESTS:
            assert becomes(permissions, left, request) == asked_for(decisions, rest, request), (decisions, request)
    assert written > 100
