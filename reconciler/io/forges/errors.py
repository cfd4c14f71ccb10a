"""What a forge, or the way to it, said: made into the errors of ``reconciler.ports.forge``, in the forge's words."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from reconciler.io.kube.errors import without_secrets
from reconciler.ports.forge import (
    ForgeAbsent,
    ForgeConflict,
    ForgeError,
    ForgeForbidden,
    ForgeRejected,
    ForgeThrottled,
    ForgeUnreachable,
)

_BY_STATUS: Mapping[int, type[ForgeError]] = {
    401: ForgeForbidden,
    403: ForgeForbidden,
    404: ForgeAbsent,
    409: ForgeConflict,
    410: ForgeAbsent,
    412: ForgeConflict,
    429: ForgeThrottled,
}
_LIMIT = re.compile(r"rate limit|abuse detection|too many requests", re.I)
_LONGEST_WORDS = 300


class NotSent(ForgeUnreachable):
    """There was no connection: the forge has seen nothing of the request."""


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, bearer tokens and user parts of URLs, and without what a terminal obeys."""
    for secret in sorted((each for each in secrets if each), key=len, reverse=True):
        text = text.replace(secret, "***")
    return without_secrets("".join(character if character.isprintable() else " " for character in text))


def from_answer(name: str, status: int, headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> ForgeError:
    """The error that an answer with this status means. ``name`` is how people call who answered."""
    words = masked(_words(body), secrets) or f"HTTP status {status}"
    if 300 <= status < 400:
        return ForgeAbsent(f"{name}: it has moved ({status}); give its new address", status)
    kind = _BY_STATUS.get(status, ForgeUnreachable if status >= 500 else ForgeRejected)
    wait = _wait(headers)
    if status == 403 and _is_limit(headers, words):
        kind = ForgeThrottled
    if kind is ForgeThrottled and not wait:
        wait = _reset(headers)
    return kind(f"{name}: {words}", status, wait)


def _is_limit(headers: Mapping[str, str], words: str) -> bool:
    """GitHub answers so when an allowance is used up, be it the hour's or that of too much at once."""
    used_up = headers.get("X-RateLimit-Remaining") == "0"
    return used_up or "Retry-After" in headers or _LIMIT.search(words) is not None


def from_transport(name: str, error: Exception, timeout: float) -> ForgeError:
    """The error that a failed exchange means."""
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)):
        refused = NotSent(f"{name}: no TLS connection, or its certificate is not trusted: {error}")
        refused.retryable = False
        return refused
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotSent(f"{name}: cannot be reached: {error.strerror or 'no connection'}")
    if isinstance(error, asyncio.TimeoutError):
        return ForgeUnreachable(f"{name}: no answer within {timeout:g} s")
    if isinstance(error, aiohttp.ClientPayloadError):
        return ForgeUnreachable(f"{name}: the connection was cut in the middle of an answer")
    if isinstance(error, ValueError):
        return ForgeForbidden(f"{name}: its address or the token for it cannot be used in a request")
    return ForgeUnreachable(f"{name}: the connection failed: {type(error).__name__}")


def _words(body: bytes) -> str:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body[:4000].decode(errors="replace")
        title = re.search(r"<title>(.*?)</title>", text, re.I | re.S)
        return " ".join(re.sub(r"<[^>]*>", " ", title.group(1) if title else text).split())[:_LONGEST_WORDS]
    return "; ".join(dict.fromkeys(_told(said)))[:_LONGEST_WORDS]


def _told(said: Any, key: str = "message") -> Iterable[str]:
    """``message``, ``error``, ``errors`` and what is in them, in the forms of all forges."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, list):
        for item in said:
            yield from _told(item)
    elif isinstance(said, dict):
        known = [said[word] for word in ("message", "error", "errors", "error_description", "detail") if said.get(word)]
        if known:
            for item in known:
                yield from _told(item)
        elif said.get("code") and said.get("field"):  # GitHub's errors without words of their own
            yield f"{said.get('resource', '')} {said['field']}: {said['code']}".strip()
        elif key == "message":
            for field, item in said.items():
                yield from (f"{field} {words}" for words in _told(item, field))


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds that ``Retry-After`` asks for, a number or a date."""
    said = headers.get("Retry-After", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return 0.0


def _reset(headers: Mapping[str, str]) -> float:
    """Seconds until a used up allowance is renewed, which GitHub and GitLab tell as a time since 1970."""
    said = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
    return max(1.0, float(said) - time.time()) if said.isdigit() else 0.0
