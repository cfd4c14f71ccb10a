"""Timeouts and retries of a route: annotations of the whole object, since the mesh reads neither ``timeouts`` nor
``retry`` of the rules of Gateway API.

Source: linkerd2, policy-controller/k8s/index/src/outbound/index.rs (parse_timeouts, parse_duration) and index/http.rs
(parse_http_retry).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf

Annotations = dict[str, str]
_TIMEOUTS = {"request": "timeout.linkerd.io/request", "idle": "timeout.linkerd.io/idle"}
_CONDITIONS = "retry.linkerd.io/http"
_LIMIT = "retry.linkerd.io/limit"
_PER_TRY = "retry.linkerd.io/timeout"
#: what the mesh knows of the words for failures; those about connections hold wherever there are retries at all
_WORDS: Mapping[str, tuple[str, ...]] = {
    "5xx": ("5xx",),
    "gateway-error": ("gateway-error",),
    "retriable-4xx": ("409",),
    "retriable-status-codes": (),
    "connect-failure": (),
    "refused-stream": (),
    "reset": (),
}
_MOST = 65535


def asked_of(route: Route, gaps: Gaps) -> Annotations:
    """What a route asks of the object that it is in."""
    rule = tree(route.leaves)
    if redirects(route):
        return {}
    made = {
        name: length(section(rule, "timeout")[field], leaf_at(route.leaves, f"traffic.timeout.{field}"), gaps)
        for field, name in _TIMEOUTS.items()
        if field in section(rule, "timeout")
    }
    retries = section(rule, "retries")
    made |= _retries(retries, route, gaps) if retries else {}
    _check_fit(made, route, gaps)
    return made


def redirects(route: Route) -> bool:
    """Whether proxies answer by themselves, whatever is said of tries and times."""
    return leaf_at(route.leaves, "traffic.redirect") is not None


def length(text: Any, leaf: Leaf | None, gaps: Gaps) -> str:
    """A length of time as the mesh reads it: a whole number of one unit, milliseconds at least."""
    found = seconds(text)
    if found is None or (found * 1000).denominator != 1:
        gaps.error("mesh-invalid-value", f"the mesh takes a time in whole milliseconds, not {text!r}", leaf)
        return "0s"
    return f"{found}s" if found.denominator == 1 else f"{found * 1000}ms"


def _retries(asked: Mapping[str, Any], route: Route, gaps: Gaps) -> Annotations:
    leaf = leaf_at(route.leaves, "traffic.retries")
    made: Annotations = {}
    attempts = asked.get("attempts")
    if attempts is not None:
        made[_LIMIT] = str(int(attempts))
        if not 0 < int(attempts) <= _MOST:
            told = f"the mesh tries again between 1 and {_MOST} times; without retries it has none"
            gaps.error("mesh-inexpressible", told, leaf_at(route.leaves, "traffic.retries.attempts"))
    if "perTry" in asked:
        made[_PER_TRY] = length(asked["perTry"], leaf_at(route.leaves, "traffic.retries.perTry"), gaps)
    if conditions := _conditions(asked, leaf, gaps):
        made[_CONDITIONS] = ",".join(conditions)
    return made


def _conditions(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> list[str]:
    found: list[str] = []
    for word in asked.get("on") or ():
        if word not in _WORDS:
            hint = f"known: {', '.join(sorted(_WORDS))}"
            gaps.error("mesh-inexpressible", f"the mesh has no condition like {word!r} for retries", leaf, hint)
        found += _WORDS.get(str(word), ())
    found += [str(int(code)) for code in sorted(asked.get("statusCodes") or ())]
    return list(dict.fromkeys(found))


def _check_fit(made: Annotations, route: Route, gaps: Gaps) -> None:
    whole, each = seconds(made.get(_TIMEOUTS["request"])), seconds(made.get(_PER_TRY))
    tries = int(made.get(_LIMIT, "1")) + 1
    if whole and each and whole < each * tries:
        gaps.warning(
            "timeout-cuts-retries",
            f"the timeout of {made[_TIMEOUTS['request']]} ends before {tries} tries of {made[_PER_TRY]} can",
            leaf_at(route.leaves, "traffic.retries.perTry"),
            f"at least {float(each * tries):g}s lets every try end",
        )
