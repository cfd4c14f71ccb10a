"""Certificates of workloads, as the SPIFFE specification and TLS libraries want them: shown by real handshakes."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from reconciler.io.identity import Authority, Identity, IdentityError, Issued, issue, needs_renewal, open_authority

NOW = datetime.now(UTC).replace(microsecond=0)
WEB = Identity("prod.example", "shop", "web")
API = Identity("prod.example", "shop", "api")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("root"), "prod.example")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("other"), "other.example")


def parsed(issued: Issued) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issued.certificate_chain_pem.encode())


def test_a_leaf_is_what_the_specification_asks(authority: Authority) -> None:
    issued = issue(authority, WEB, HOUR, NOW)
    leaf = parsed(issued)
    found = leaf.extensions
    names = found.get_extension_for_class(x509.SubjectAlternativeName)
    usage = found.get_extension_for_class(x509.KeyUsage)
    ends = found.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(names.value) == [x509.UniformResourceIdentifier("spiffe://prod.example/ns/shop/sa/web")]
    assert names.critical  # there is no subject
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_cert_sign, usage.value.crl_sign) == (True, False, False)
    assert set(ends) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert (issued.serial, issued.not_after) == (leaf.serial_number, leaf.not_valid_after_utc)
    assert issued.spiffe_id == WEB.spiffe_id
    assert issued.not_after == NOW + HOUR
    assert NOW - timedelta(minutes=6) <= leaf.not_valid_before_utc < NOW
    assert issued.key_pem not in repr(issued)


def test_each_has_a_key_and_a_number_of_its_own(authority: Authority) -> None:
    first, second = issue(authority, WEB, HOUR, NOW), issue(authority, WEB, HOUR, NOW)
    assert first.key_pem != second.key_pem
    assert first.serial != second.serial


def test_openssl_accepts_the_chain_by_its_strictest_rules(authority: Authority, tmp_path: Path) -> None:
    issued = issue(authority, WEB, HOUR, NOW)
    (tmp_path / "root.pem").write_text(issued.root_pem)
    (tmp_path / "leaf.pem").write_text(issued.certificate_chain_pem)
    for purpose in ("sslserver", "sslclient"):
        argv = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "root.pem", "leaf.pem"]
        ran = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
        assert (ran.returncode, ran.stdout.strip()) == (0, "leaf.pem: OK"), ran.stderr


def test_no_leaf_outlives_its_root(authority: Authority) -> None:
    end = authority.certificate.not_valid_after_utc
    assert issue(authority, WEB, timedelta(days=9999), NOW).not_after == end
    with pytest.raises(IdentityError, match="not valid now"):
        issue(authority, WEB, HOUR, end)
    with pytest.raises(IdentityError, match="not valid now"):
        issue(authority, WEB, HOUR, authority.certificate.not_valid_before_utc - HOUR)


def test_an_authority_issues_in_its_trust_domain_only(stranger: Authority) -> None:
    with pytest.raises(IdentityError, match=r"issues nothing for spiffe://prod\.example"):
        issue(stranger, WEB, HOUR, NOW)


@pytest.mark.parametrize("part", ["", "..", ".", "a/b", "a b", "a%2fb", "ü", "a\n"])
def test_a_name_that_would_lead_elsewhere_is_no_identity(part: str) -> None:
    with pytest.raises(IdentityError):
        Identity("prod.example", part, "web")
    with pytest.raises(IdentityError):
        Identity("prod.example", "shop", part)


def test_an_identity_is_at_most_as_long_as_peers_must_take() -> None:
    with pytest.raises(IdentityError, match="longer than 2048"):
        Identity("prod.example", "n" * 1024, "s" * 1024)


@pytest.mark.parametrize(
    ("after", "due"),
    [(timedelta(0), False), (timedelta(minutes=26), False), (timedelta(minutes=28), True), (timedelta(days=2), True)],
)
def test_a_certificate_is_renewed_after_half_its_life(authority: Authority, after: timedelta, due: bool) -> None:
    held = issue(authority, WEB, HOUR, NOW).certificate_chain_pem
    assert needs_renewal(held, authority, WEB, NOW + after) is due


def test_a_certificate_of_seconds_is_not_due_at_once(authority: Authority) -> None:
    held = issue(authority, WEB, timedelta(seconds=30), NOW).certificate_chain_pem
    assert not needs_renewal(held, authority, WEB, NOW)


def test_a_certificate_that_is_not_the_asked_one_is_renewed(authority: Authority, tmp_path: Path) -> None:
    held = issue(authority, WEB, HOUR, NOW).certificate_chain_pem
    assert needs_renewal(held, authority, API, NOW)
    assert needs_renewal(held, open_authority(tmp_path, "prod.example"), WEB, NOW)
    assert needs_renewal(authority.root_pem, authority, WEB, NOW)
    assert needs_renewal(held, authority, WEB, NOW - HOUR)
    for unreadable in ("", "text", held[:200], held.replace("M", "N")):
        assert needs_renewal(unreadable, authority, WEB, NOW)


def context(issued: Issued, folder: Path, *, server: bool) -> ssl.SSLContext:
    """Strict mutual TLS; names are compared by whoever has a policy, not by TLS."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.load_verify_locations(cadata=issued.root_pem)
    file = folder / f"{issued.serial}.pem"
    file.write_text(issued.certificate_chain_pem + issued.key_pem)
    made.load_cert_chain(file)
    return made


def spoken(server: Issued, client: Issued, folder: Path) -> tuple[list[str], list[str]]:
    """The identities that server and client saw of each other; ssl.SSLError when the client is refused or refuses."""
    accepting, calling = context(server, folder, server=True), context(client, folder, server=False)
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            plain, _ = listener.accept()
            try:
                with plain, accepting.wrap_socket(plain, server_side=True) as secure:
                    seen.extend(uris(secure))
                    secure.sendall(b"hello")
            except (ssl.SSLError, ConnectionError):
                pass

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname(), 30) as plain,
                calling.wrap_socket(plain) as secure,
            ):
                if secure.recv(5) != b"hello":
                    raise ssl.SSLError("closed")
                return seen, uris(secure)
        finally:
            thread.join()


def uris(secure: ssl.SSLSocket) -> list[str]:
    peer = secure.getpeercert()
    assert peer is not None
    return [str(value) for kind, value in peer["subjectAltName"] if kind == "URI"]  # type: ignore[union-attr, misc]


def test_two_of_one_trust_domain_accept_each_other(authority: Authority, tmp_path: Path) -> None:
    web, api = issue(authority, WEB, HOUR, NOW), issue(authority, API, HOUR, NOW)
    assert spoken(api, web, tmp_path) == ([WEB.spiffe_id], [API.spiffe_id])


def test_one_of_another_trust_domain_is_refused_at_either_end(
    authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    web = issue(authority, WEB, HOUR, NOW)
    other = issue(stranger, Identity("other.example", "shop", "web"), HOUR, NOW)
    for server, client in ((web, other), (other, web)):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            spoken(server, client, tmp_path)


def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    web = issue(authority, WEB, HOUR, NOW)
    old = issue(authority, API, timedelta(minutes=1), NOW - timedelta(minutes=10))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        spoken(web, old, tmp_path)
