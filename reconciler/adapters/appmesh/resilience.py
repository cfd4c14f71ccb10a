"""Timeouts and retries of a route."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.retrying import DEFAULT_ATTEMPTS
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf

#: conditions that the mesh has a word for: each is the proxy's own of the same meaning, but `server-error` is about
#: answers only (HttpRetryPolicy of the App Mesh API)
HTTP_EVENTS = {
    "5xx": "server-error",
    "gateway-error": "gateway-error",
    "retriable-4xx": "client-error",
    "refused-stream": "stream-error",
}
TCP_EVENTS = {"connect-failure": "connection-error"}
#: where nobody says on what: nothing has been done yet
_SAFE = ("refused-stream", "connect-failure")
#: of a request, where no route says how long
_USUAL = {"unit": "s", "value": 15}
_HOW = frozenset({"attempts", "perTry", "on"})


def length(text: Any, leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """A length of time in whole milliseconds or seconds."""
    said = seconds(str(text))
    whole = Fraction(-1) if said is None else said * 1000
    if whole < 0 or whole.denominator != 1:
        gaps.error("mesh-invalid-value", f"the mesh takes lengths of time in whole milliseconds: {text!r}", leaf)
        return _USUAL
    return {"unit": "s", "value": int(whole / 1000)} if whole % 1000 == 0 else {"unit": "ms", "value": int(whole)}


def timeout(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    asked = section(rule, "timeout").get("request")
    if asked is None:
        return {}
    return {"timeout": {"perRequest": length(asked, leaf_at(route.leaves, "traffic.timeout.request"), gaps)}}


def retries(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """``retryPolicy``, which wants a length for each try: that of the whole request where nobody says."""
    asked, leaf = section(rule, "retries"), leaf_at(route.leaves, "traffic.retries")
    if not asked.keys() & _HOW:
        return {}
    whole = timeout(route, rule, gaps).get("timeout", {}).get("perRequest", _USUAL)
    each = length(asked["perTry"], leaf, gaps) if "perTry" in asked else whole if whole["value"] else _USUAL
    attempts = int(asked.get("attempts", DEFAULT_ATTEMPTS))
    policy: dict[str, Any] = {"maxRetries": attempts, "perRetryTimeout": each}
    _check_fit(attempts, asked, rule, leaf, gaps)
    return {"retryPolicy": policy | _events(asked, leaf, gaps)}


def _events(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    names = [str(name) for name in asked.get("on") or _SAFE]
    for name in names:
        if name not in HTTP_EVENTS and name not in TCP_EVENTS:
            hint = f"known: {', '.join(sorted({**HTTP_EVENTS, **TCP_EVENTS}))}"
            gaps.error("mesh-inexpressible", f"the mesh has no condition like {name!r} for retries", leaf, hint)
    http = [event for name, event in HTTP_EVENTS.items() if name in names]
    tcp = [event for name, event in TCP_EVENTS.items() if name in names]
    return ({"httpRetryEvents": http} if http else {}) | ({"tcpRetryEvents": tcp} if tcp else {})


def _check_fit(attempts: int, asked: Mapping[str, Any], rule: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> None:
    limit, each = seconds(section(rule, "timeout").get("request")), seconds(asked.get("perTry"))
    if limit and each is not None and limit < each * (attempts + 1):
        gaps.warning(
            "timeout-cuts-retries",
            f"the timeout of {rule['timeout']['request']} ends before {attempts + 1} tries of {asked['perTry']} can",
            leaf,
            f"at least {float(each * (attempts + 1)):g}s lets every try end",
        )
