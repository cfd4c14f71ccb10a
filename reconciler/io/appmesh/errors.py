"""What an error of the library for AWS becomes. Its words are passed on, but for those about signatures and tokens,
which may quote what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.io.secrets import unusable
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

#: user guide of the service: "On September 30, 2026, AWS will discontinue support for AWS App Mesh"
ENDED = "AWS ended the service on 30 September 2026"
_THROTTLED = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded"}
)
_NO_PROOF = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException",
        "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken",
        "MissingAuthenticationTokenException", "SignatureDoesNotMatch", "UnrecognizedClientException",
    }
)  # fmt: skip
_REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "ForbiddenException", "OptInRequired"})
#: the names by which a test server says that something is not there; AWS says NotFoundException
_ABSENT = ("NotFound", "NotFoundException")
_LONGEST = 400


def from_answer(answer: Mapping[str, Any], operation: str) -> ClusterError:
    """An answer that is an error; ``answer`` as botocore.exceptions.ClientError has it in ``response``."""
    error, meta = answer.get("Error") or {}, answer.get("ResponseMetadata") or {}
    code, status = str(error.get("Code") or ""), int(meta.get("HTTPStatusCode") or 0)
    words = " ".join(f"{operation}: {error.get('Message') or ''} ({code or status})".split())[:_LONGEST]
    asked = str((meta.get("HTTPHeaders") or {}).get("retry-after", ""))
    wait = float(asked) if asked.isdigit() else 0.0
    if code in _THROTTLED or status == 429:
        return Throttled(words, status, wait)
    if code in _NO_PROOF or status == 401:
        return Forbidden(f"{operation}: AWS does not take the credentials ({code or status})", status)
    if code in _REFUSED or status == 403:
        return Forbidden(words, status)
    if code.endswith(_ABSENT) or status == 404:
        return Absent(words, status)
    if code == "ConflictException":
        return Conflict(words, status)
    return ServerFailed(words, status, wait) if status >= 500 else Rejected(words, status)


def from_library(problem: Exception, host: str) -> ClusterError:
    """What the library says of its own: no answer, no credentials, parameters that the API does not know."""
    from botocore import exceptions as known

    if isinstance(problem, known.ParamValidationError):
        return Rejected(" ".join(str(problem).split())[:_LONGEST])
    if isinstance(problem, (known.EndpointConnectionError, known.ConnectTimeoutError)):
        return Unreachable(f"{host}: nobody answers; {ENDED}")
    if isinstance(problem, known.CredentialRetrievalError):  # its words are those of a program, whatever it told
        return unusable("no access to AWS: what is asked for credentials gives none")
    if isinstance(problem, known.HTTPClientError):
        return Unreachable(f"{host}: {type(problem).__name__}")
    return unusable(f"no access to AWS: {' '.join(str(problem).split())[:_LONGEST]}")
