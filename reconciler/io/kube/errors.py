"""What an API server, or the way to it, said: made into the errors of ``reconciler.ports``, in the server's words."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from reconciler.ports import (
    Absent,
    ClusterError,
    Conflict,
    Forbidden,
    Rejected,
    ServerFailed,
    Throttled,
    Unreachable,
)

_BY_STATUS: Mapping[int, type[ClusterError]] = {
    400: Rejected,
    401: Forbidden,
    403: Forbidden,
    404: Absent,
    409: Conflict,
    410: ClusterError,
    413: Rejected,
    415: Rejected,
    422: Rejected,
    429: Throttled,
}
#: The wordings of the API server's own validation, of CRD rules over ``oldSelf`` and of common controllers.
_IMMUTABLE = re.compile(r"\bimmutable\b|may not (be )?change|cannot be changed|for fields other than|\boldSelf\b", re.I)
#: How the server words a missing right; quotas and webhooks forbid in other words.
_NO_RIGHT = re.compile(r'\bUser ".*?" cannot \w+ resource ')
_QUOTED = re.compile(r'"[^"]*"')
_SECRET = re.compile(r"(?i)(bearer\s+)\S+|eyJ[\w-]{8,}\.[\w.-]+|(?<=://)[^/@\s]+(?=@)")


class TimedOut(Unreachable):
    """No answer within the time given; not tried again at once, since that time has been waited already."""


def unreachable(message: str, *, retryable: bool = False) -> Unreachable:
    error = Unreachable(without_secrets(message))
    error.retryable = retryable
    return error


def without_secrets(text: str) -> str:
    """The text with bearer tokens, JSON web tokens and the user part of URLs masked."""
    return _SECRET.sub(lambda found: f"{found.group(1) or ''}***", text)


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> ClusterError:
    """The error that an answer with this status means."""
    said = _status_object(body)
    message = without_secrets(_words(status, said, body))
    if status == 404 and not said and not body.startswith(b"404 page not found"):
        # A proxy's own 404 says nothing about the object: taken for absence, it would be created or forgotten.
        return unreachable(f"404 that is not from a Kubernetes API server: {message}", retryable=True)
    if 300 <= status < 400:
        return unreachable(f"redirected ({status}) instead of answered; the server's address must be the final one")
    kind = _BY_STATUS.get(status, ServerFailed if status >= 500 else Rejected)
    if status == 500 and "failed to create typed patch object" in message:
        kind = Rejected  # the object does not fit the schema: the server's fault only by its status
    error = kind(message, status, _retry_after(headers))
    if isinstance(error, Rejected):
        error.immutable = status == 422 and _is_immutable(message)
    return error


def lacks_right(error: ClusterError) -> bool:
    """Whether the account is not allowed to do this at all, whatever the object."""
    return error.status == 403 and _NO_RIGHT.search(str(error)) is not None


def from_transport(error: Exception, host: str, timeout: float) -> ClusterError:
    """The error that a failed exchange with ``host`` (name and port, for people) means."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return unreachable(f"{host}: the name is not known to DNS", retryable=True)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return unreachable(f"{host}: its certificate is not trusted: {error.certificate_error}")
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return unreachable(f"{host}: the proxy before it cannot be reached", retryable=True)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return unreachable(f"{host}: the proxy before it refused: {error.status} {error.message}", retryable=True)
    if isinstance(error, (aiohttp.ClientConnectorSSLError, ssl.SSLError)):
        return unreachable(f"{host}: no TLS connection: {error}", retryable=True)
    if isinstance(error, asyncio.TimeoutError):
        return TimedOut(f"{host}: no answer within {timeout:g} s")
    if isinstance(error, aiohttp.ClientPayloadError):
        return unreachable(f"{host}: the connection was cut in the middle of an answer", retryable=True)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return unreachable(f"{host}: the connection was closed before an answer", retryable=True)
    if isinstance(error, ValueError):
        return unreachable(f"{host}: its address or the credential for it cannot be used in a request")
    return unreachable(f"{host}: {_reason(error)}", retryable=True)


def garbage(host: str, body: bytes) -> Unreachable:
    """A good status with a body that is not what an API server sends."""
    return unreachable(f"{host} does not answer like a Kubernetes API server: {_excerpt(body)}", retryable=True)


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) and said.get("kind") == "Status" else {}


def _words(status: int, said: Mapping[str, Any], body: bytes) -> str:
    message = str(said.get("message") or "") if said else _excerpt(body)
    details = said.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    missing = [str(cause.get("message")) for cause in causes or () if isinstance(cause, dict)]
    if missing and not any(words in message for words in missing):
        message = f"{message}: {'; '.join(missing)}"
    return message or f"HTTP status {status}"


def _excerpt(body: bytes) -> str:
    text = body[:4000].decode(errors="replace")
    title = re.search(r"<title>(.*?)</title>", text, re.I | re.S)
    words = " ".join(re.sub(r"<[^>]*>", " ", title.group(1) if title else text).split())
    return without_secrets(words[:200])


def _is_immutable(message: str) -> bool:
    return "admission webhook" not in message and _IMMUTABLE.search(_QUOTED.sub("", message)) is not None


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__
