"""The root of one trust domain, kept in a folder as ``root.key`` and ``root.pem``.

Nothing is ever overwritten. Of several processes that come first at once, one makes the key and all take it; a key
whose certificate is missing (the first one was cut short, or it was deleted) gets a new certificate.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciler.io.durable import create_file, make_folder
from reconciler.io.identity.forms import key_pem_of, names_of, new_key, pem_of, signs_certificates, usage
from reconciler.io.identity.spiffe import IdentityError, check_trust_domain, trust_domain_id

KEY = "root.key"
CERTIFICATE = "root.pem"
LIFETIME = timedelta(days=3652)  # ten years
SKEW = timedelta(hours=1)  # clocks of machines that are behind
_LONGEST_NAME = 64  # of a common name


@dataclass(frozen=True, slots=True)
class Authority:
    """Who issues certificates in a trust domain."""

    trust_domain: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def root_pem(self) -> str:
        return pem_of(self.certificate)


def open_authority(folder: Path, trust_domain: str) -> Authority:
    """The root of a trust domain, made on first use. IdentityError when what is there is not whole, private and its."""
    check_trust_domain(trust_domain)
    try:
        _prepare(folder)
        if not (folder / CERTIFICATE).exists():
            _make(folder, trust_domain)
        authority = Authority(trust_domain, _read_certificate(folder / CERTIFICATE), _read_key(folder / KEY))
    except OSError as problem:
        raise IdentityError(f"cannot use {problem.filename or folder}: {problem.strerror}") from problem
    _check(authority, folder)
    return authority


def _prepare(folder: Path) -> None:
    make_folder(folder)
    if folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise IdentityError(f"other users may write to {folder}, so no root in it can be trusted: chmod 700 {folder}")


def _make(folder: Path, trust_domain: str) -> None:
    create_file(folder / KEY, key_pem_of(new_key()).encode())
    root = _root(_read_key(folder / KEY), trust_domain, datetime.now(UTC).replace(microsecond=0))
    create_file(folder / CERTIFICATE, pem_of(root).encode())


def _root(key: ec.EllipticCurvePrivateKey, trust_domain: str, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"root of {trust_domain}"[:_LONGEST_NAME])])
    identity = x509.UniformResourceIdentifier(trust_domain_id(trust_domain))
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - SKEW, now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectAlternativeName([identity]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise IdentityError(f"other users may read the key {path}: chmod 600 {path}, or start anew without its folder")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise IdentityError(f"{path} is no private key without a password; it is left as it is") from problem
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(f"{path} is not a key on an elliptic curve; it is left as it is")
    return key


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as problem:
        raise IdentityError(f"{path} is no certificate; it is left as it is") from problem


def _check(authority: Authority, folder: Path) -> None:
    certificate, expected = authority.certificate, trust_domain_id(authority.trust_domain)
    try:
        names, signs = names_of(certificate), signs_certificates(certificate)
    except ValueError as problem:
        raise IdentityError(f"{folder / CERTIFICATE} cannot be read: {problem}; it is left as it is") from problem
    if certificate.public_key() != authority.key.public_key():
        raise IdentityError(f"{folder / KEY} is not the key of {folder / CERTIFICATE}; both are left as they are")
    if names != (expected,):
        raise IdentityError(f"{folder / CERTIFICATE} is the root of {', '.join(names) or 'nothing'}, not of {expected}")
    if not signs:
        raise IdentityError(f"{folder / CERTIFICATE} may issue no certificates: CA:TRUE and an identifier of its key")
