"""Timeout, retries and injected faults of a route, and what they do to each other."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import VIRTUAL_SERVICE
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.retrying import DEFAULT_ATTEMPTS, GRPC_STATUSES, abort_status, conditions
from reconciler.adapters.served import has_field
from reconciler.model.intents import MeshIntent, Route
from reconciler.model.rules import Leaf

_OWN = frozenset({"envoy-ratelimited"})

#: the shortest length that the mesh accepts
SHORTEST = Fraction(1, 1000)
_RETRIES = {"attempts", "perTry", "on", "statusCodes", "otherLocalities"}


def duration(value: Any, leaf: Leaf | None, gaps: Gaps) -> str:
    """The value as it is; a gap when the mesh would refuse it."""
    length = seconds(value)
    if length is None or length < SHORTEST:
        gaps.error("mesh-invalid-value", f"not a duration of at least 1ms: {value!r}", leaf)
    return str(value)


def percentage(percent: Any) -> dict[str, Any]:
    """Omitted means 100 here and 0 in the mesh, so it is always written."""
    value = 100.0 if percent is None else float(percent)
    return {"value": int(value) if value.is_integer() else value}


def timeout(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    asked = section(rule, "timeout")
    if "request" not in asked:
        return {}
    return {"timeout": duration(asked["request"], leaf_at(route.leaves, "traffic.timeout"), gaps)}


def retries(route: Route, rule: Mapping[str, Any], intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """The retry policy of a route, empty when it asks for none (then the mesh retries twice)."""
    asked = section(rule, "retries")
    leaf = leaf_at(route.leaves, "traffic.retries")
    backoff = section(asked, "backoff")
    if not asked.keys() & _RETRIES and "base" not in backoff:
        return {}
    # fields of a retry policy without a count keep the mesh's own count, since a count left out next to them means none
    attempts = int(asked.get("attempts", DEFAULT_ATTEMPTS))
    if attempts <= 0:
        return {"retries": {"attempts": 0}}
    native: dict[str, Any] = {"attempts": attempts}
    if "perTry" in asked:
        native["perTryTimeout"] = duration(asked["perTry"], leaf, gaps)
    if found := _conditions(asked, leaf, gaps):
        native["retryOn"] = ",".join(found)
    if "otherLocalities" in asked:
        native["retryRemoteLocalities"] = bool(asked["otherLocalities"])
    if "base" in backoff and has_backoff(intent):
        native["backoff"] = duration(backoff["base"], leaf, gaps)
    return {"retries": native}


def has_backoff(intent: MeshIntent) -> bool:
    """Whether the cluster's VirtualServices know how long to wait between tries."""
    return has_field(VIRTUAL_SERVICE, "spec.http.retries.backoff", intent.cluster.crds)


def _conditions(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> list[str]:
    codes = (str(code) for code in asked.get("statusCodes") or ())
    return list(dict.fromkeys([*conditions(asked, leaf, gaps, _OWN), *codes]))


def fault(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    asked = section(rule, "fault")
    leaf = leaf_at(route.leaves, "traffic.fault")
    native: dict[str, Any] = {}
    if delay := section(asked, "delay"):
        native["delay"] = {
            "fixedDelay": duration(delay.get("duration"), leaf, gaps),
            "percentage": percentage(delay.get("percent")),
        }
    if abort := section(asked, "abort"):
        native["abort"] = _status(abort, leaf, gaps) | {"percentage": percentage(abort.get("percent"))}
    return {"fault": native} if native else {}


def _status(abort: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    http, grpc = abort_status(abort, leaf, gaps)
    if http is not None:
        return {"httpStatus": http}
    return {"grpcStatus": GRPC_STATUSES[grpc]} if grpc is not None else {}


def interplay(route: Route, native: Mapping[str, Any], gaps: Gaps) -> None:
    """Warnings where one of them will cut short or cancel another."""
    retry, limit = section(native, "retries"), seconds(native.get("timeout"))
    if "fault" in native and (retry or limit is not None):
        cancelled = leaf_at(route.leaves, "traffic.retries") or leaf_at(route.leaves, "traffic.timeout")
        gaps.warning(
            "fault-cancels",
            "the mesh does not apply retries and timeouts on a route with an injected fault",
            cancelled,
            "give the fault a match of its own",
        )
    each, attempts = seconds(retry.get("perTryTimeout")), int(retry.get("attempts", 0))
    if limit is not None and each is not None and limit < each * (attempts + 1):
        gaps.warning(
            "timeout-cuts-retries",
            f"the timeout of {native['timeout']} ends before {attempts + 1} tries of {retry['perTryTimeout']} can",
            leaf_at(route.leaves, "traffic.timeout"),
            f"at least {float(each * (attempts + 1)):g}s lets every try end",
        )
