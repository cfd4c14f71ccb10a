"""Timeouts, retries and session persistence of a rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.intents import HostIntent, Route
from reconciler.model.rules import Leaf

_DURATION = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
#: status codes for conditions of other products; those about connections hold wherever there are retries at all
_CODES: Mapping[str, tuple[int, ...]] = {
    "5xx": (500, 502, 503, 504),
    "gateway-error": (502, 503, 504),
    "retriable-4xx": (409,),
    "retriable-status-codes": (),
    "connect-failure": (),
    "refused-stream": (),
    "reset": (),
}


def duration(length: Any, leaf: Leaf | None, gaps: Gaps) -> str:
    """A length of time as the API takes it: at most five figures of each unit."""
    text = str(length)
    if not _DURATION.fullmatch(text):
        gaps.error("mesh-invalid-value", f"the API does not take this length of time: {text!r}", leaf)
    return text


def timeouts(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    done: dict[str, Any] = {}
    whole, each = section(rule, "timeout").get("request"), section(rule, "retries").get("perTry")
    if whole is not None:
        done["request"] = duration(whole, leaf_at(route.leaves, "traffic.timeout.request"), gaps)
    if each is not None:
        leaf = leaf_at(route.leaves, "traffic.retries.perTry")
        done["backendRequest"] = duration(each, leaf, gaps)
        _check_fit(done, rule, leaf, gaps)
    return {"timeouts": done} if done else {}


def _check_fit(done: Mapping[str, str], rule: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> None:
    limit, each = seconds(done.get("request")), seconds(done.get("backendRequest"))
    if not limit or each is None:
        return
    attempts = int(section(rule, "retries").get("attempts", 0))
    if each > limit:
        gaps.error("mesh-invalid-value", "the API refuses a try that may last longer than the whole request", leaf)
    elif limit < each * (attempts + 1):
        gaps.warning(
            "timeout-cuts-retries",
            f"the timeout of {done['request']} ends before {attempts + 1} tries of {done['backendRequest']} can",
            leaf,
            f"at least {float(each * (attempts + 1)):g}s lets every try end",
        )


def retry(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    asked, leaf = section(rule, "retries"), leaf_at(route.leaves, "traffic.retries")
    done: dict[str, Any] = {}
    if "attempts" in asked:
        done["attempts"] = int(asked["attempts"])
        if done["attempts"] < 1:
            gaps.error("mesh-inexpressible", "the API cannot say that there are no retries", leaf)
    codes = {int(code) for code in asked.get("statusCodes") or ()}
    for name in asked.get("on") or ():
        if name not in _CODES:
            hint = f"known: {', '.join(sorted(_CODES))}"
            gaps.error("mesh-inexpressible", f"the API has no condition like {name!r} for retries", leaf, hint)
        codes |= set(_CODES.get(name, ()))
    if codes:
        done["codes"] = sorted(codes)
        if codes - set(range(400, 600)):
            gaps.error("mesh-invalid-value", "the API retries on status codes from 400 to 599", leaf)
    base = section(asked, "backoff").get("base")
    if base is not None:
        done["backoff"] = duration(base, leaf, gaps)
    return {"retry": done} if done else {}


def persistence(host: HostIntent, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """A session that stays with one endpoint, by a cookie."""
    cookie = section(section(section(rule, "loadBalancing"), "hash"), "cookie")
    if "name" not in cookie:
        return {}
    done: dict[str, Any] = {"type": "Cookie", "sessionName": str(cookie["name"])}
    if "ttl" in cookie:
        leaf = leaf_at(host.host_leaves, "traffic.loadBalancing.hash")
        done |= {"absoluteTimeout": duration(cookie["ttl"], leaf, gaps), "cookieConfig": {"lifetimeType": "Permanent"}}
    return {"sessionPersistence": done}
