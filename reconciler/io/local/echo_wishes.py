"""What a request asks of an echo service by its headers, so that retries, timeouts and outlier detection can be seen.

x-echo-status: 503 | reset   answer with this status; or close the connection without an answer
x-echo-delay: 1.5s | 200ms   wait before answering, an hour at most
x-echo-fail-first: N         only the first N tries of this x-request-id at this service fail (503, or x-echo-status)
x-echo-only: WORKLOAD        the headers above are for this workload alone
x-echo-answer-NAME: VALUE    a header of the answer
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_DELAY = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)(ms|s)")
_UNITS = {"ms": 0.001, "s": 1.0}
LONGEST_DELAY = 3600.0
RESET = 0
_ANSWER = "x-echo-answer-"
_NOT_TO_BE_SET = frozenset({"connection", "content-length", "content-type", "transfer-encoding", "upgrade"})


class WishError(ValueError):
    """A header that cannot be followed, in words for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """``status``: that of a failure, RESET for none at all; ``fail_first``: None when every try fails, if one does."""

    status: int = 200
    delay: float = 0.0
    fail_first: int | None = None
    headers: Mapping[str, str] | None = None

    def status_of(self, tries: int) -> int:
        """What the try of this number, counted from 1, is answered with."""
        return 200 if self.fail_first is not None and tries > self.fail_first else self.status


def wishes_of(headers: Mapping[str, str], workload: str) -> Wishes:
    """WishError when a header cannot be followed. Names of headers are looked up in small letters."""
    answer = dict(_answered(headers))
    if headers.get("x-echo-only", workload) != workload:
        return Wishes(headers=answer)
    first = headers.get("x-echo-fail-first")
    if first is not None and not re.fullmatch(r"\d{1,6}", first):
        raise WishError(f"x-echo-fail-first: {first!r} is no number of tries")
    status = headers.get("x-echo-status", "200" if first is None else "503")
    return Wishes(
        _status(status), _delay(headers.get("x-echo-delay", "0s")), None if first is None else int(first), answer
    )


def _status(text: str) -> int:
    if text == "reset":
        return RESET
    if not re.fullmatch(r"[2-5]\d\d", text):
        raise WishError(f"x-echo-status: {text!r} is neither a status from 200 to 599 nor reset")
    return int(text)


def _delay(text: str) -> float:
    found = _DELAY.fullmatch(text)
    seconds = float(found[1]) * _UNITS[found[2]] if found else LONGEST_DELAY + 1
    if seconds > LONGEST_DELAY:
        raise WishError(f"x-echo-delay: {text!r} is no time like 1.5s or 200ms, up to an hour")
    return seconds


def _answered(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        wanted = name.lower().removeprefix(_ANSWER)
        if wanted != name.lower():
            if wanted in _NOT_TO_BE_SET:
                raise WishError(f"{name}: this header of the answer is not for requests to set")
            yield wanted, value
