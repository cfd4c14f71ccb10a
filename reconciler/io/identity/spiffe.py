"""Names of trust domains and workloads, as the SPIFFE ID specification allows them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.ports import Rejected

LONGEST = 2048
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]+")


class IdentityError(Rejected):
    """A name that no certificate can have, or a root that cannot be used; another try does not help."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a workload proves to be. IdentityError for names that make no SPIFFE ID."""

    trust_domain: str
    namespace: str
    service_account: str

    def __post_init__(self) -> None:
        check_trust_domain(self.trust_domain)
        for part in (self.namespace, self.service_account):
            if not _SEGMENT.fullmatch(part):
                raise IdentityError(f"{part!r} cannot be part of a SPIFFE ID: letters, digits, '.', '-' and '_' can")
        if len(self.spiffe_id) > LONGEST:
            raise IdentityError(f"the SPIFFE ID of {self.namespace}/{self.service_account} is longer than {LONGEST}")

    @property
    def spiffe_id(self) -> str:
        return f"{trust_domain_id(self.trust_domain)}/ns/{self.namespace}/sa/{self.service_account}"


def check_trust_domain(name: str) -> None:
    if not _TRUST_DOMAIN.fullmatch(name):
        raise IdentityError(f"{name!r} is no trust domain: lower-case letters, digits, '.', '-' and '_', at most 255")


def trust_domain_id(name: str) -> str:
    return f"spiffe://{name}"
