"""What a route does with requests, as the ``rule`` of a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.consul.importing.services import target
from reconciler.adapters.consul.meaning.chains import HEADERS, Share, retries
from reconciler.adapters.durations import seconds
from reconciler.adapters.importing import Scene, Unsayable, only
from reconciler.adapters.shortened import duration
from reconciler.adapters.weights import of_parts
from reconciler.model.refs import ServiceRef

_FIELDS = (
    "service", "serviceSubset", "prefixRewrite", "requestTimeout", "idleTimeout", "numRetries", "retryOn",
    "retryOnConnectFailure", "retryOnStatusCodes", *HEADERS,
)  # fmt: skip
_SIDES = {"requestHeaders": "request", "responseHeaders": "response"}
Part = Mapping[str, Any]


def rule(to: Part, conditions: Sequence[Part]) -> dict[str, Any]:
    """All but where requests go. ``conditions``: what the route is for, of which a rewrite replaces the path."""
    only(to, _FIELDS, "destination")
    made: dict[str, Any] = {}
    limits = {"request": to.get("requestTimeout"), "idle": to.get("idleTimeout")}
    said = {name: duration(value) for name, value in limits.items() if value is not None and seconds(value) != 0}
    if said:
        made["timeout"] = said["request"] if said.keys() == {"request"} else said
    if found := retries(to):
        asked = {"attempts": found["tries"], "on": found["on"], "statusCodes": found["codes"]}
        made["retries"] = {name: value for name, value in asked.items() if value}
    if to.get("prefixRewrite"):
        made["rewrite"] = _rewrite(str(to["prefixRewrite"]), conditions)
    changes = headers([to])
    return made | ({"headers": changes} if changes else {})


def is_idle(to: Part) -> bool:
    """Whether tries are asked for that never happen, since no condition is named for them."""
    return bool(to.get("numRetries")) and not retries(to)


def _rewrite(target: str, conditions: Sequence[Part]) -> dict[str, Any]:
    """The whole path where one is matched, else what it begins with."""
    if any("pathRegex" in one for one in conditions):
        raise Unsayable("no neutral field covers replacing what an expression matched of a path")
    exact = bool(conditions) and all("pathExact" in one for one in conditions)
    return {"path" if exact else "prefix": target}


def headers(given: Sequence[Part]) -> dict[str, Any]:
    """Changes of headers; of a share in a share both are made, which one set of changes cannot say."""
    if len(given) > 1:
        raise Unsayable("a share of a share changes headers twice")
    made: dict[str, Any] = {}
    for one in given:
        for field, side in _SIDES.items():
            said = one.get(field) or {}
            only(said, ("add", "set", "remove"), field)
            if found := {verb: what for verb, what in said.items() if what}:
                made[side] = found
    return made


def route(shares: Sequence[Share], own: ServiceRef, scene: Scene) -> Any:
    """``route`` of a rule: by subset where all goes to parts of the service itself."""
    for one in shares:
        for change in one.changes:
            only(change, HEADERS, "splits")
    weights = of_parts([one.part for one in shares])
    if all(one.service == own.name and one.subset and not one.changes for one in shares):
        return {one.subset: weight for one, weight in zip(shares, weights, strict=True)}
    return [
        {"to": _to(one, own, scene)}
        | ({"weight": weight} if len(shares) > 1 else {})
        | ({"headers": found} if (found := headers(one.changes)) else {})
        for one, weight in zip(shares, weights, strict=True)
    ]


def _to(share: Share, own: ServiceRef, scene: Scene) -> Any:
    short = target(share.service, own.namespace, scene)
    return {"services": [short], "subset": share.subset} if share.subset else short
