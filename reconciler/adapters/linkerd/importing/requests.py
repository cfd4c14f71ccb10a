"""Which requests a route to a Server takes, and how many a limit does."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.importing import Body, Unsayable, key_of, only
from reconciler.adapters.standard.importing.policies import EVERY
from reconciler.adapters.standard.importing.requests import matches

_WAYS = ("total", "identity")


def requests(route: Body) -> list[Any]:
    """Those that fit one of its rules; empty for all."""
    if key_of(route).kind != "HTTPRoute":
        raise Unsayable("a GRPCRoute has proxies refuse all that is no call of gRPC")
    only(route["spec"], ("parentRefs", "rules"), "spec")
    if len(route["spec"]["parentRefs"]) != 1:
        raise Unsayable(f"{key_of(route)} is about several Servers")
    found: list[Any] = []
    for one in route["spec"].get("rules") or [{}]:
        only(one, ("name", "matches"), "rules")
        made = matches(one.get("matches") or EVERY)
        if not made:
            return []
        found += made
    return found


def counted(body: Body) -> dict[str, Any]:
    """How many requests a limit takes, and of whom."""
    spec = body["spec"]
    only(spec, ("targetRef", "total", "identity"), "spec")
    asked = [name for name in _WAYS if spec.get(name)]
    if len(asked) != 1:
        raise Unsayable("requests are counted in two ways at once, or in none")
    only(spec[asked[0]], ("requestsPerSecond",), asked[0])
    made = {"requests": spec[asked[0]]["requestsPerSecond"], "unit": "Second"}
    return made if asked[0] == "total" else {**made, "per": "Source"}
