"""How a line of an access log reads: as text, and as the entries of an object, with the fields that policies add."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps

_CONNECTION = {
    "time": "%START_TIME%",
    "caller": "%DOWNSTREAM_PEER_URI_SAN%",
    "address": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
    "called": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "upstream": "%UPSTREAM_HOST%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "flags": "%RESPONSE_FLAGS%",
}
_REQUEST = {
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "user_agent": "%REQ(USER-AGENT)%",
}
_REQUEST_TEXT = (
    '[%START_TIME%] "%REQ(:METHOD)% {path} %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% "%DOWNSTREAM_PEER_URI_SAN%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" '
    '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER%'
)
_CONNECTION_TEXT = (
    '[%START_TIME%] "-" %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "%DOWNSTREAM_PEER_URI_SAN%" '
    '"%UPSTREAM_HOST%" %UPSTREAM_CLUSTER%'
)
#: field of a policy, entry, and the operator of the proxy with a name in it
_FIELDS = (
    ("requestHeaders", "request_headers", "REQ({})"),
    ("responseHeaders", "response_headers", "RESP({})"),
    ("trailers", "trailers", "TRAILER({})"),
    ("filterState", "filter_state", "FILTER_STATE({}:PLAIN)"),
)
_NAME = re.compile(r"[A-Za-z0-9._/-]+")
Line = tuple[str, dict[str, Any]]


def request_line(path: str, fields: Mapping[str, Any], gaps: Gaps) -> Line:
    """``path``: the operator of the proxy for the path as it was asked for, before it was rewritten."""
    return _line(_REQUEST_TEXT.format(path=path), {**_CONNECTION, **_REQUEST, "path": path}, fields, gaps)


def connection_line(fields: Mapping[str, Any], gaps: Gaps) -> Line:
    """Of a connection nothing is known but what filters left."""
    kept = {name: fields[name] for name in ("filterState",) if name in fields}
    return _line(_CONNECTION_TEXT, _CONNECTION, kept, gaps)


def _line(text: str, entries: Mapping[str, str], fields: Mapping[str, Any], gaps: Gaps) -> Line:
    found: dict[str, Any] = dict(entries)
    for field, entry, operator in _FIELDS:
        names = [str(name) for name in fields.get(field) or ()]
        for name in (one for one in names if not _NAME.fullmatch(one)):
            gaps.error("mesh-invalid-value", f"not a name that a line of a log can have: {name!r}")
        if names:
            found[entry] = {name: f"%{operator.format(name)}%" for name in names}
            text += "".join(f' {name}="%{operator.format(name)}%"' for name in names)
    return text, found
