"""Addresses, names of refs, words of Git, and signatures."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from reconciler.io.git import Credentials, RefSpec, Secret
from reconciler.io.git.commits import signature_of
from reconciler.io.git.credentials import ssh_command, surroundings
from reconciler.io.git.errors import clean, refusal
from reconciler.io.git.location import locate
from reconciler.io.git.signatures import describe
from reconciler.ports import SourceError


@pytest.mark.parametrize(
    ("written", "url", "origin", "login"),
    [
        ("https://git.example.org/a.git", "https://git.example.org/a.git", "https://git.example.org", ("", "")),
        (
            "https://u:p%40w@git.example.org:8443/a",
            "https://git.example.org:8443/a",
            "https://git.example.org:8443",
            ("u", "p@w"),
        ),
        ("http://tok@h/a", "http://h/a", "http://h", ("tok", "")),
        ("https://u:a@b@h/a", "https://h/a", "https://h", ("u", "a@b")),
        ("ssh://git:pw@h:22/a", "ssh://git@h:22/a", "", ("", "")),
        ("git@h:team/a.git", "git@h:team/a.git", "", ("", "")),
        ("git://h/a", "git://h/a", "", ("", "")),
        ("file:///srv/a", "file:///srv/a", "", ("", "")),
        ("/srv/a:b", "/srv/a:b", "", ("", "")),
    ],
)
def test_an_address_is_read_and_its_password_taken_out(written, url, origin, login):
    location = locate(written)
    assert (location.url, location.username, location.password) == (url, *login)
    if origin:
        assert location.origin == origin
    assert "p@w" not in repr(location)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "-oProxyCommand=touch",
        "--upload-pack=touch",
        "ext::sh -c touch",
        "fd::17",
        "::x",
        "ftp://secret@h/a",
        "ssh://-oProxyCommand=secret/a",
        "ssh://-l@h/a",
        "-x@h:a",
        "h:-x",
        "user:secret@h:a",
        "https://h/a?private_token=secret",
        "https://h/a#secret",
        "https://u:secret@h:port/a",
        "https:///secret",
        "https://h/a\nb",
        "file://secret/a",
    ],
)
def test_an_address_that_is_not_allowed_is_not_repeated(written):
    with pytest.raises(SourceError) as caught:
        locate(written)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["-x", "a..b", "a b", "a~1", "a:b", "a*", "a.lock", "/a", "a/", "a//b", "@", "a@{1}", "a\\b", ".a"]
)
def test_names_that_git_would_not_take_are_refused(name):
    for make in (lambda: RefSpec(branch=name), lambda: RefSpec(tag=name)):
        with pytest.raises(SourceError, match="cannot be the name"):
            make()


def test_a_source_follows_one_thing():
    with pytest.raises(SourceError, match="not several"):
        RefSpec(branch="a", tag="b")
    for commit in ("main", "abc", "ABCDEF1", "-" * 40):
        with pytest.raises(SourceError, match="is not a commit"):
            RefSpec(commit=commit)


def test_words_are_cleaned():
    words = clean(
        "fatal: \x1b[31mno\x1b[0m https://u:pw@h/a token%2F1 token/1\nremote: x\x07\n", ["token/1", "token%2F1"]
    )
    assert words == "fatal: no https://***@h/a *** ***; remote: x"
    assert len(clean("x" * 5000)) < 700


def test_unknown_words_are_tried_again_and_shown():
    error = refusal("src", "fetch", "something new")
    assert error.retryable
    assert str(error) == "src: cannot fetch. Git says: something new"


def test_secrets_do_not_show(tmp_path):
    secret = Secret(value="hush")
    around = surroundings(locate("https://h/a"), Credentials(password=secret), 5, tmp_path)
    assert "hush" not in repr((secret, Credentials(password=secret), around))
    assert not [value for _, value in around.settings if "hush" in value]
    (tmp_path / "two").write_text("one\ntwo\n")
    with pytest.raises(SourceError, match="more than one line"):
        Secret(file=tmp_path / "two").read("src")


def test_paths_given_to_ssh_cannot_add_options(tmp_path):
    path = tmp_path / "a b%h'; touch x"
    assert f'''IdentityFile="{tmp_path}/a b%%h'"'"'; touch x"''' in ssh_command(Credentials(ssh_key=path), 5)
    with pytest.raises(SourceError, match="cannot be given to ssh"):
        ssh_command(Credentials(ssh_key=tmp_path / 'a" -oX="'), 5)


def test_a_commit_signed_by_ssh_names_its_key(upstream, follow, tmp_path):
    key = tmp_path / "signer"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], capture_output=True, text=True, check=True).stdout
    upstream.git(
        "-c", "gpg.format=ssh", "-c", f"user.signingkey={key}", "commit", "-q", "-S", "--allow-empty", "-m", "s"
    )
    source = follow(upstream)
    source.fetch()
    assert source.commit("HEAD").signature == f"ssh {shown.split()[1]}"
    assert source.commit("HEAD~1").signature == ""
    assert [commit.signature[:3] for commit in source.log("", "HEAD")] == ["ssh", ""]


GPG = """-----BEGIN PGP SIGNATURE-----

iHUEABYKAB0WIQQBI0VniavN7wEjRWeJq83vASNFZwUCZVPxAAAKCRCJq83vASNF
ZwECAwQ=
=abcd
-----END PGP SIGNATURE-----"""


def test_a_commit_signed_by_gpg_names_its_key(upstream, follow, tmp_path):
    if not shutil.which("gpg"):
        pytest.skip("NOT TESTED, no gpg here: apt-get install gnupg")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    try:
        make = [
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
            "--quick-generate-key",
            "carl@example.org",
            "ed25519",
        ]
        subprocess.run([*gpg, *make], check=True, capture_output=True)
        signer = "user.signingkey=carl@example.org"
        upstream.git("-c", signer, "commit", "-q", "-S", "--allow-empty", "-m", "signed", GNUPGHOME=str(home))
        keys = subprocess.run([*gpg, "--with-colons", "-k"], capture_output=True, text=True, check=True).stdout
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    fingerprint = next(line.split(":")[9] for line in keys.splitlines() if line.startswith("fpr"))
    source = follow(upstream)
    source.fetch()
    assert source.commit("HEAD").signature == f"gpg {fingerprint}"


def test_signatures_of_other_kinds_are_read_as_far_as_they_can_be():
    assert describe(GPG) == "gpg 0123456789ABCDEF0123456789ABCDEF01234567"
    assert describe(GPG.replace("iHUE", "iHUX")) == "gpg"
    assert describe(GPG[:60]) == "gpg"
    assert describe("-----BEGIN SIGNED MESSAGE-----\nMII=\n-----END SIGNED MESSAGE-----") == "x509"
    assert describe("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----") == "ssh"
    assert describe("strange") == "unknown"


def test_a_signature_is_read_from_the_headers_alone():
    raw = b"tree 0\ngpgsig -----BEGIN\n x\n \n y\nencoding z\n\nmessage\ngpgsig forged\n"
    assert signature_of(raw) == "-----BEGIN\nx\n\ny"
    assert signature_of(b"tree 0\n\ngpgsig forged\n") == ""
