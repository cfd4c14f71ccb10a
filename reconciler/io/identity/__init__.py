"""Identities of workloads as SPIFFE has them: the root of a trust domain in a folder, and what it issues."""

from reconciler.io.identity.authority import Authority, open_authority
from reconciler.io.identity.certificates import Issued, certificate_of_key, issue, needs_renewal
from reconciler.io.identity.spiffe import Identity, IdentityError

__all__ = ["Authority", "Identity", "IdentityError", "Issued", "certificate_of_key", "issue", "needs_renewal"]
__all__ += ["open_authority"]
