"""Timeouts and retries of a route, and what they and injected faults do to each other."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from reconciler.adapters.durations import canonical, seconds
from reconciler.adapters.envoy.amounts import length
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.retrying import DEFAULT_ATTEMPTS, conditions
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf

_OWN = frozenset({"envoy-ratelimited"})

#: where nobody says on what: nothing has been done yet, or the answer says so
_SAFE = ("connect-failure", "refused-stream", "unavailable", "cancelled")
_HOW = {"attempts", "perTry", "on", "statusCodes", "otherLocalities", "backoff"}
#: before the first retry where only the longest wait is said
_FIRST = Fraction(25, 1000)
_EXTENSIONS = "envoy.extensions.retry"
_OTHER_HOSTS = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": typed(f"{_EXTENSIONS}.host.previous_hosts.v3.PreviousHostsPredicate"),
}
_OTHER_PRIORITIES = {
    "name": "envoy.retry_priorities.previous_priorities",
    "typed_config": typed(
        f"{_EXTENSIONS}.priority.previous_priorities.v3.PreviousPrioritiesConfig", update_frequency=1
    ),
}
_TRIES_TO_CHOOSE = 5


def timeouts(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """The proxy has a limit of 15 s of its own where none is said."""
    asked, leaf = section(rule, "timeout"), leaf_at(route.leaves, "traffic.timeout")
    native: dict[str, Any] = {"timeout": length(asked["request"], leaf, gaps) if "request" in asked else "0s"}
    if "idle" in asked:
        native["idle_timeout"] = length(asked["idle"], leaf, gaps)
    if "stream" in asked:
        native["max_stream_duration"] = {"max_stream_duration": length(asked["stream"], leaf, gaps)}
    return native


def retries(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """``retry_policy``; nothing is tried again where a route asks for none."""
    asked, leaf = section(rule, "retries"), leaf_at(route.leaves, "traffic.retries")
    attempts = int(asked.get("attempts", DEFAULT_ATTEMPTS))
    if not asked.keys() & _HOW or attempts <= 0:
        return {}
    native: dict[str, Any] = {
        "retry_on": ",".join(conditions(asked, leaf, gaps, _OWN) or _SAFE),
        "num_retries": attempts,
        "retry_host_predicate": [_OTHER_HOSTS],
        "host_selection_retry_max_attempts": _TRIES_TO_CHOOSE,
    }
    if codes := asked.get("statusCodes"):
        native["retriable_status_codes"] = [int(code) for code in codes]
    if "perTry" in asked:
        native["per_try_timeout"] = length(asked["perTry"], leaf, gaps)
    if asked.get("otherLocalities"):
        native["retry_priority"] = _OTHER_PRIORITIES
    return {"retry_policy": native | _backoff(section(asked, "backoff"), leaf, gaps)}


def _backoff(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """The proxy wants the first length; the longest is ten times that where nobody says."""
    if not asked:
        return {}
    most = seconds(asked.get("max"))
    if "base" not in asked and most is not None:
        base = canonical(f"{int(min(_FIRST, most) * 1000)}ms")
    else:
        base = length(asked.get("base"), leaf, gaps)
    if most is not None and most < (seconds(base) or 0):
        gaps.error("mesh-invalid-value", "the longest wait between tries is shorter than the first", leaf)
    longest = {"max_interval": length(asked["max"], leaf, gaps)} if "max" in asked else {}
    return {"retry_back_off": {"base_interval": base, **longest}}


def interplay(route: Route, action: Mapping[str, Any], faulty: bool, gaps: Gaps) -> None:
    """Warnings where one of them will cut short or cancel another. ``action``: what the route does with requests."""
    retry, limit = section(action, "retry_policy"), seconds(action.get("timeout"))
    if faulty and (retry or limit):
        cancelled = leaf_at(route.leaves, "traffic.retries") or leaf_at(route.leaves, "traffic.timeout")
        told = "an injected fault is not tried again, and the time that it makes a request wait counts for no timeout"
        gaps.warning("fault-cancels", told, cancelled, "let the service itself be slow or fail, to see these at work")
    each, tries = seconds(retry.get("per_try_timeout")), int(retry.get("num_retries", 0)) + 1
    if limit and each is not None and limit < each * tries:
        told = f"the timeout of {action['timeout']} ends before {tries} tries of {retry['per_try_timeout']} can"
        hint = f"at least {float(each * tries):g}s lets every try end"
        gaps.warning("timeout-cuts-retries", told, leaf_at(route.leaves, "traffic.timeout"), hint)
