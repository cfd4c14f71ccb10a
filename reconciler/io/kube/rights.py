"""Asks a server what the account may do: SelfSubjectAccessReview, which every account may make by default."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from reconciler.io.kube import pages
from reconciler.io.kube.errors import TimedOut
from reconciler.io.kube.transport import Answer, Request, Transport
from reconciler.model.rights import Right
from reconciler.ports import Absent, ClusterError, Forbidden

AT_ONCE = 8
PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class _Status(msgspec.Struct):
    allowed: bool


class _Review(msgspec.Struct):
    status: _Status


_REVIEWS = msgspec.json.Decoder(_Review)


async def missing_rights(transport: Transport, rights: Sequence[Right]) -> tuple[Right, ...]:
    """Those that are not granted, in the order given; none where the server does not let us ask."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def granted(right: Right) -> bool:
        async with gate:
            return await _granted(transport, right)

    answers = await asyncio.gather(*(granted(right) for right in rights), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return tuple(right for right, answer in zip(rights, answers, strict=True) if not answer)


async def _granted(transport: Transport, right: Right) -> bool:
    try:
        answer = await _asked(transport, right)
    except (Forbidden, Absent) as error:
        if error.status not in (403, 404):
            raise
        return True  # not known: then the write itself tells
    review: _Review = pages.decoded(_REVIEWS, answer)
    return review.status.allowed


async def _asked(transport: Transport, right: Right) -> Answer:
    """A review changes nothing, so it is asked again once when its answer was lost."""
    attributes = {"group": right.group, "resource": right.resource, "verb": right.verb, "namespace": right.namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    request = Request("POST", PATH, body=msgspec.json.encode(review))
    try:
        return await transport.write(request)
    except ClusterError as error:
        if not error.retryable or isinstance(error, TimedOut):
            raise
    return await transport.write(request)
