"""The root of a trust domain: made once, whoever comes first, kept whole and private, never overwritten."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from reconciler.io.identity import Identity, IdentityError, issue, needs_renewal, open_authority
from reconciler.ports import Rejected

NOW = datetime.now(UTC)
OPENING = """
import sys
from pathlib import Path
from reconciler.io.identity import open_authority
sys.stdin.read()
print(open_authority(Path(sys.argv[1]), "prod.example").root_pem)
"""


def test_a_root_is_made_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    made = open_authority(folder, "prod.example")
    again = open_authority(folder, "prod.example")
    assert again.root_pem == made.root_pem
    assert again.key.private_numbers() == made.key.private_numbers()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "root.key": 0o600,
        "root.pem": 0o600,
    }
    assert "PRIVATE" not in repr(made)


def test_the_root_is_a_signing_certificate_of_spiffe(tmp_path: Path) -> None:
    root = open_authority(tmp_path, "prod.example").certificate
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = root.extensions.get_extension_for_class(x509.KeyUsage)
    names = root.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (True, True, False)
    assert list(names) == [x509.UniformResourceIdentifier("spiffe://prod.example")]
    assert root.not_valid_before_utc < NOW
    assert root.not_valid_after_utc > NOW + timedelta(days=3650)


@pytest.mark.slow
def test_of_many_processes_at_once_one_makes_the_root(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", OPENING, str(tmp_path / "root")]
    started = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
        for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    roots = {process.communicate(timeout=60)[0].strip() for process in started}
    assert roots == {open_authority(tmp_path / "root", "prod.example").root_pem.strip()}
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["root.key", "root.pem"]


def test_a_root_whose_making_was_cut_short_is_made_whole(tmp_path: Path) -> None:
    first = open_authority(tmp_path, "prod.example")
    identity = Identity("prod.example", "shop", "web")
    held = issue(first, identity, timedelta(hours=1), NOW).certificate_chain_pem
    (tmp_path / "root.pem").unlink()
    second = open_authority(tmp_path, "prod.example")
    assert second.certificate.public_key() == first.key.public_key()
    assert not needs_renewal(held, second, identity, NOW)


def broken_certificate(folder: Path) -> None:
    (folder / "root.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")


def broken_key(folder: Path) -> None:
    (folder / "root.key").write_text("no key")


def key_of_another(folder: Path) -> None:
    other = folder.parent / "other"
    open_authority(other, "prod.example")
    (folder / "root.key").write_bytes((other / "root.key").read_bytes())


def leaf_in_its_place(folder: Path) -> None:
    authority = open_authority(folder, "prod.example")
    leaf = issue(authority, Identity("prod.example", "shop", "web"), timedelta(hours=1), NOW)
    (folder / "root.pem").write_text(leaf.certificate_chain_pem)
    (folder / "root.key").write_text(leaf.key_pem)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (broken_certificate, "root.pem is no certificate"),
        (broken_key, "root.key is no private key"),
        (key_of_another, "is not the key of"),
        (leaf_in_its_place, "is the root of spiffe://prod.example/ns/shop/sa/web"),
        (lambda folder: (folder / "root.key").unlink(), "root.key: No such file"),
        (lambda folder: (folder / "root.key").chmod(0o640), "chmod 600"),
        (lambda folder: folder.chmod(0o770), "chmod 700"),
    ],
)
def test_what_cannot_be_trusted_is_told_and_left_as_it_is(damage, words: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "root"
    open_authority(folder, "prod.example")
    damage(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Rejected, match=words):
        open_authority(folder, "prod.example")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_root_is_of_one_trust_domain(tmp_path: Path) -> None:
    open_authority(tmp_path, "prod.example")
    with pytest.raises(IdentityError, match=r"spiffe://prod\.example, not of spiffe://test\.example"):
        open_authority(tmp_path, "test.example")


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("")
    with pytest.raises(IdentityError, match="cannot use"):
        open_authority(tmp_path / "root", "prod.example")


@pytest.mark.parametrize("name", ["", "Prod.example", "a/b", "a:1", "a b", "x" * 256, "ü"])
def test_what_is_no_trust_domain_makes_no_root(name: str, tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="no trust domain"):
        open_authority(tmp_path / "root", name)
    assert not (tmp_path / "root").exists()
