"""What errors of AWS become: which of them are tried again, and that no proof of who asks is told."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as known

from reconciler.io.appmesh.errors import from_answer, from_library
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


def answer(code: str, status: int, **headers: str) -> dict[str, Any]:
    error = {"Code": code, "Message": "the words of AWS"}
    return {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}


@pytest.mark.parametrize(
    ("code", "status", "expected", "again"),
    [
        ("TooManyRequestsException", 429, Throttled, True),
        ("ThrottlingException", 400, Throttled, True),
        ("ForbiddenException", 403, Forbidden, False),
        ("AccessDeniedException", 400, Forbidden, False),
        ("ExpiredTokenException", 403, Forbidden, False),
        ("NotFoundException", 404, Absent, False),
        ("VirtualNodeNotFound", 400, Absent, False),
        ("ConflictException", 409, Conflict, False),
        ("ResourceInUseException", 409, Rejected, False),
        ("LimitExceededException", 400, Rejected, False),
        ("BadRequestException", 400, Rejected, False),
        ("ServiceUnavailableException", 503, ServerFailed, True),
        ("InternalServerErrorException", 500, ServerFailed, True),
    ],
)
def test_each_answer_becomes_its_error(code: str, status: int, expected: type[ClusterError], again: bool) -> None:
    problem = from_answer(answer(code, status), "UpdateRoute")
    assert type(problem) is expected
    assert problem.retryable is again
    assert problem.status == status
    assert "UpdateRoute" in str(problem)


def test_how_long_to_wait_is_taken_from_the_answer() -> None:
    assert from_answer(answer("TooManyRequestsException", 429, **{"retry-after": "7"}), "ListMeshes").retry_after == 7.0


def test_words_about_signatures_are_not_passed_on() -> None:
    """They quote the request, with the token of the session."""
    given = answer("SignatureDoesNotMatch", 403)
    given["Error"]["Message"] = "The canonical string should have been x-amz-security-token:very-secret"
    problem = from_answer(given, "ListMeshes")
    assert isinstance(problem, Forbidden)
    assert str(problem) == "ListMeshes: AWS does not take the credentials (SignatureDoesNotMatch)"


def test_what_the_library_says_is_not_tried_again_unless_nobody_answered() -> None:
    lost = known.EndpointConnectionError(endpoint_url="https://appmesh.eu-west-1.amazonaws.com")
    slow = known.ReadTimeoutError(endpoint_url="https://appmesh.eu-west-1.amazonaws.com")
    for problem in (lost, slow):
        assert from_library(problem, "appmesh of eu-west-1").retryable
    program = known.CredentialRetrievalError(provider="custom-process", error_msg="token=very-secret")
    for lasting in (known.NoCredentialsError(), known.ProfileNotFound(profile="shop"), program):
        found = from_library(lasting, "appmesh of eu-west-1")
        assert isinstance(found, Unreachable)
        assert not found.retryable
        assert "very-secret" not in str(found)
