"""Words of failures that proxies of several meshes know: gRPC statuses, and what a request is tried again on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.model.rules import Leaf

#: in the order of their numbers
GRPC_STATUSES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
#: tries after the first where a policy asks for retries and not how many
DEFAULT_ATTEMPTS = 2
BY_STATUS = "retriable-status-codes"
_CONDITIONS = {
    "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx",
    "refused-stream", BY_STATUS, "retriable-headers", "http3-post-connect-failure", "cancelled",
    "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
}  # fmt: skip


def conditions(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps, own: frozenset[str]) -> list[str]:
    """What ``retries`` names to be tried again on. ``own``: what only this mesh's proxies know."""
    known = _CONDITIONS | own
    names = [str(name) for name in asked.get("on") or ()]
    for name in names:
        if name not in known:
            gaps.error(
                "mesh-invalid-value",
                f"the mesh does not know the retry condition {name!r}",
                leaf,
                f"known: {', '.join(sorted(known))}",
            )
    if asked.get("statusCodes") and BY_STATUS not in names:
        names.append(BY_STATUS)  # without it the numbers are ignored
    return list(dict.fromkeys(names))


def grpc_status(value: Any) -> int | None:
    """The number of a status, by its name or number; None where there is none."""
    if isinstance(value, int):
        return value if 0 <= value < len(GRPC_STATUSES) else None
    name = str(value).upper()
    return GRPC_STATUSES.index(name) if name in GRPC_STATUSES else None


def abort_status(abort: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> tuple[int | None, int | None]:
    """The HTTP status of an injected failure, or the number of its gRPC status; neither where it is not one."""
    http, grpc = abort.get("httpStatus"), abort.get("grpcStatus")
    if (http is None) == (grpc is None):
        gaps.error("mesh-invalid-value", "an abort has one status, httpStatus or grpcStatus", leaf)
        return None, None
    if http is not None:
        return int(http), None
    number = grpc_status(grpc)
    if number is None:
        gaps.error("mesh-invalid-value", f"not a gRPC status: {grpc!r}", leaf)
    return None, number
