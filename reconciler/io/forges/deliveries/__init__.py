"""What forges tell of their own accord: webhook deliveries, believed by their signature only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import orjson

from reconciler.io.forges.deliveries import bitbucket, github, gitlab
from reconciler.io.forges.deliveries.headers import Headers
from reconciler.io.forges.deliveries.signatures import check
from reconciler.io.forges.place import Kind
from reconciler.model.forges import Delivery, Told
from reconciler.ports.forge import DeliveryRefused

#: GitHub's own limit; other forges send less
LARGEST = 25 * 1024 * 1024

_READERS: Mapping[Kind, Callable[[Headers, Any], tuple[Delivery, ...]]] = {
    Kind.GITHUB: github.read,
    Kind.GITEA: github.read,
    Kind.GITLAB: gitlab.read,
    Kind.BITBUCKET_CLOUD: bitbucket.read_cloud,
    Kind.BITBUCKET_DATA_CENTER: bitbucket.read_center,
}


def parse(kind: Kind, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> tuple[Delivery, ...]:
    """What one request tells: one delivery, or one for each branch that a push moved.

    ``body`` is what came, byte for byte. Any of the ``secrets`` may have signed it, so that they can be exchanged one
    after the other. DeliveryRefused, with the HTTP status to answer: 401 for a signature that is missing or wrong, 413
    for a body that is too large, 400 for one that is not what this kind of forge sends.
    """
    if len(body) > LARGEST:
        raise DeliveryRefused(f"a delivery of {len(body)} bytes, and at most {LARGEST} are read", 413)
    given = Headers(headers)
    if kind is Kind.BITBUCKET_DATA_CENTER and given.get("X-Event-Key") == bitbucket.CENTER_PING:
        return (Delivery(given.get("X-Request-Id"), Told.PING),)  # "Test connection" is not signed, and causes nothing
    check(kind, given, body, secrets)
    try:
        return _READERS[kind](given, _data(given, body))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise DeliveryRefused(f"this is no delivery of {kind.value}: {type(error).__name__} {error}", 400) from error


def _data(headers: Headers, body: bytes) -> Any:
    if headers.get("Content-Type").startswith("application/x-www-form-urlencoded"):
        return orjson.loads(parse_qs(body.decode())["payload"][0])
    return orjson.loads(body)
