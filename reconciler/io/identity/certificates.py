"""Certificates of workloads (X.509 SVIDs): issued by an authority, and when they are to be replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from reconciler.io.identity.authority import Authority
from reconciler.io.identity.forms import key_pem_of, names_of, new_key, pem_of, usage
from reconciler.io.identity.spiffe import Identity, IdentityError

SKEW = timedelta(minutes=5)  # a certificate holds already for a clock that is this much behind
_BOTH_ENDS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


@dataclass(frozen=True, slots=True)
class Issued:
    """``root_pem`` is what peers trust; the chain is without it."""

    certificate_chain_pem: str
    key_pem: str = field(repr=False)
    root_pem: str
    not_after: datetime
    serial: int
    spiffe_id: str


def issue(authority: Authority, identity: Identity, lifetime: timedelta, now: datetime) -> Issued:
    """A certificate with a key of its own, which ends no later than the root. IdentityError when it cannot be."""
    if identity.trust_domain != authority.trust_domain:
        raise IdentityError(f"the root of {authority.trust_domain} issues nothing for {identity.spiffe_id}")
    now = now.replace(microsecond=0)
    begin = max(now - min(SKEW, lifetime / 10), authority.certificate.not_valid_before_utc)
    end = min(now + lifetime, authority.certificate.not_valid_after_utc)
    if not begin <= now < end:
        raise IdentityError(f"the root of {authority.trust_domain} is not valid now; is the clock right?")
    key = new_key()
    leaf = _leaf(authority, identity.spiffe_id, key, (begin, end))
    return Issued(
        certificate_chain_pem=pem_of(leaf),
        key_pem=key_pem_of(key),
        root_pem=authority.root_pem,
        not_after=end,
        serial=leaf.serial_number,
        spiffe_id=identity.spiffe_id,
    )


def needs_renewal(certificate_pem: str, authority: Authority, identity: Identity, now: datetime) -> bool:
    """After half of its life, and whenever it is not readable, not of this identity, or not from this authority."""
    try:
        held = x509.load_pem_x509_certificate(certificate_pem.encode())
        held.verify_directly_issued_by(authority.certificate)
        names = names_of(held)
    except (ValueError, TypeError, InvalidSignature):
        return True
    begin, end = held.not_valid_before_utc, held.not_valid_after_utc
    return names != (identity.spiffe_id,) or not begin <= now < begin + (end - begin) / 2


def certificate_of_key(certificate_pem: str, key_pem: str) -> bool:
    """Whether the two belong together; False when one of them is not readable."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        key = serialization.load_pem_private_key(key_pem.encode(), None)
    except (ValueError, TypeError):
        return False
    return certificate.public_key() == key.public_key()


def _leaf(
    authority: Authority, name: str, key: ec.EllipticCurvePrivateKey, valid: tuple[datetime, datetime]
) -> x509.Certificate:
    """Without a subject, as SPIFFE has it; so its name must be critical."""
    issuer = authority.certificate
    above = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    public = key.public_key()
    return (
        x509.CertificateBuilder(issuer.subject, x509.Name([]), public, x509.random_serial_number(), *valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(signs_certificates=False), critical=True)
        .add_extension(_BOTH_ENDS, critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
