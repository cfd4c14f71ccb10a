"""Whether a delivery was sent by whom we share a secret with. Compared in constant time, with every secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence

from reconciler.io.forges.deliveries.headers import Headers
from reconciler.io.forges.place import Kind
from reconciler.ports.forge import DeliveryRefused

#: What the forge should have sent, were it signed with a secret.
Expected = Callable[[Headers, bytes, str], bytes]


def check(kind: Kind, headers: Headers, body: bytes, secrets: Sequence[str]) -> None:
    """DeliveryRefused (401) when there is no secret, no signature, or none of the secrets made it."""
    if not any(secrets):
        raise DeliveryRefused("no secret is known that deliveries are signed with", 401)
    names, expected = _STANDARD if _is_standard(kind, headers) else _SIGNATURES[kind]
    signed = headers.bytes(*names)
    if not signed:
        raise DeliveryRefused(f"the delivery is not signed: it has no header {' or '.join(names)}", 401)
    # several signatures stand apart by spaces while a secret is exchanged; a plain secret may have spaces
    given = signed.split() if expected is _standard else [signed]
    right = [expected(headers, body, secret) for secret in secrets if secret]
    if not sum(hmac.compare_digest(one, other) for one in given for other in right):
        raise DeliveryRefused("the signature of the delivery was made with another secret", 401)


def _hex(_headers: Headers, body: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()


def _named_hex(headers: Headers, body: bytes, secret: str) -> bytes:
    return b"sha256=" + _hex(headers, body, secret)


def _itself(_headers: Headers, _body: bytes, secret: str) -> bytes:
    return secret.encode()


def _standard(headers: Headers, body: bytes, secret: str) -> bytes:
    """Standard Webhooks (github.com/standard-webhooks): the id and the time are signed, too."""
    said = b".".join((headers.bytes("webhook-id"), headers.bytes("webhook-timestamp"), body))
    return b"v1," + base64.b64encode(hmac.new(_standard_key(secret), said, hashlib.sha256).digest())


def _standard_key(secret: str) -> bytes:
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _is_standard(kind: Kind, headers: Headers) -> bool:
    """GitLab sends it where the hook has a signing token, beside or instead of the plain secret."""
    return kind is Kind.GITLAB and bool(headers.get("webhook-signature"))


_STANDARD: tuple[tuple[str, ...], Expected] = (("webhook-signature",), _standard)
_SIGNATURES: Mapping[Kind, tuple[tuple[str, ...], Expected]] = {
    Kind.GITHUB: (("X-Hub-Signature-256",), _named_hex),
    Kind.GITLAB: (("X-Gitlab-Token",), _itself),
    Kind.GITEA: (("X-Forgejo-Signature", "X-Gitea-Signature"), _hex),
    Kind.BITBUCKET_CLOUD: (("X-Hub-Signature",), _named_hex),
    Kind.BITBUCKET_DATA_CENTER: (("X-Hub-Signature",), _named_hex),
}
