"""What annotations of a route say of time and retries, as numbers. Lengths are in milliseconds.

Source: linkerd2, policy-controller/k8s/index/src/outbound/index.rs (parse_timeouts, parse_duration) and index/http.rs
(parse_http_retry).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Body
from reconciler.adapters.leaves import section

TIMEOUTS = {
    "request": "timeout.linkerd.io/request",
    "idle": "timeout.linkerd.io/idle",
    "response": "timeout.linkerd.io/response",
}
LIMIT, PER_TRY, CODES = "retry.linkerd.io/limit", "retry.linkerd.io/timeout", "retry.linkerd.io/http"
_LENGTH = re.compile(r"(\d+)(ms|s|m|h|d)?")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_NAMED = {"5xx": (500, 599), "gateway-error": (502, 504)}


def keys_of(body: Body) -> Mapping[str, str]:
    return {str(key): str(value) for key, value in section(section(body, "metadata"), "annotations").items()}


def limits(body: Body) -> dict[str, Any]:
    """Those of a whole route. ValueError for what the mesh cannot read: it leaves such a route out."""
    said = keys_of(body)
    made: dict[str, Any] = {name: milliseconds(said[key]) for name, key in TIMEOUTS.items() if key in said}
    return made | ({"retry": retry} if (retry := _retry(said)) else {})


def milliseconds(text: str) -> int:
    found = _LENGTH.fullmatch(text.strip())
    if found is None or (found[2] is None and int(found[1])):
        raise ValueError(f"{text!r} is no length of time to the mesh")
    return int(found[1]) * _UNITS[found[2] or "ms"]


def _retry(said: Mapping[str, str]) -> dict[str, Any]:
    """Once where only a time or codes are said. Connections that fail are tried again in any case."""
    limit = int(said.get(LIMIT, "0"))
    each = milliseconds(said.get(PER_TRY, "0"))
    if not limit and not each and CODES not in said:
        return {}
    made: dict[str, Any] = {"limit": limit or 1} | ({"timeout": each} if each else {})
    return made | ({"codes": codes(said[CODES])} if CODES in said else {})


def codes(text: str) -> list[list[int]]:
    """Ranges of status codes, those that meet joined."""
    ranges = sorted(_range(one) for one in text.split(","))
    joined: list[list[int]] = []
    for first, last in ranges:
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined


def _range(text: str) -> tuple[int, int]:
    if text.lower() in _NAMED:
        return _NAMED[text.lower()]
    first, _, last = text.partition("-")
    found = int(first), int(last or first)
    if not 100 <= found[0] <= found[1] < 600:
        raise ValueError(f"{text!r} is no condition for retries")
    return found
