"""Over SSH: a key of the source's own, a known host, and nothing asked of a person."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import replace

import pytest

from reconciler.io.git import Credentials
from reconciler.ports import SourceError


@pytest.fixture
def key(sshd) -> Credentials:
    return Credentials(ssh_key=sshd.key, known_hosts=sshd.known_hosts)


def test_a_key_lets_in(sshd, key, upstream, follow):
    source = follow(sshd.url(upstream.path), credentials=key)
    assert source.fetch() == upstream.git("rev-parse", "HEAD")
    new = upstream.commit("more", {"policies/b.yaml": b"x: 1\n"})
    assert source.fetch() == new
    assert source.tree("HEAD").files["policies/b.yaml"] == b"x: 1\n"


def test_a_password_in_the_url_goes_nowhere(sshd, key, upstream, follow):
    url = sshd.url(upstream.path).replace("@", ":hunter2@")
    source = follow(url, credentials=key)
    assert source.fetch() == upstream.git("rev-parse", "HEAD")
    assert "hunter2" not in source.name
    for path in source.mirror_path.parent.rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()


def test_an_unknown_host_is_not_trusted(sshd, key, upstream, follow, tmp_path):
    (tmp_path / "none").write_text("")
    with pytest.raises(SourceError, match="the host key is not trusted: add it to the known hosts") as caught:
        follow(sshd.url(upstream.path), credentials=replace(key, known_hosts=tmp_path / "none")).fetch()
    assert not caught.value.retryable
    assert (tmp_path / "none").read_text() == ""


def test_a_wrong_key_is_refused(sshd, key, upstream, follow, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    with pytest.raises(SourceError, match="access refused: check the credential") as caught:
        follow(sshd.url(upstream.path), credentials=replace(key, ssh_key=tmp_path / "other")).fetch()
    assert not caught.value.retryable


def test_a_key_that_others_may_read_says_so(sshd, key, upstream, follow, tmp_path):
    copy = tmp_path / "open"
    copy.write_bytes(sshd.key.read_bytes())
    copy.chmod(0o644)
    with pytest.raises(SourceError, match="make it readable by its owner alone"):
        follow(sshd.url(upstream.path), credentials=replace(key, ssh_key=copy)).fetch()


def test_a_key_that_is_not_there_is_named(sshd, key, upstream, follow, tmp_path):
    with pytest.raises(SourceError, match=r"the SSH key file .*absent is not there"):
        follow(sshd.url(upstream.path), credentials=replace(key, ssh_key=tmp_path / "absent")).fetch()


def test_a_missing_repository_is_final(sshd, key, upstream, follow):
    with pytest.raises(SourceError, match="there is no repository") as caught:
        follow(sshd.url(upstream.path / "absent"), credentials=key).fetch()
    assert not caught.value.retryable


def test_a_closed_port_is_tried_again(sshd, key, follow):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        follow(f"ssh://git@127.0.0.1:{port}/x", credentials=key).fetch()
    assert caught.value.retryable


def test_a_silent_host_is_left_in_time(sshd, key, follow):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(SourceError) as caught:
            follow(f"ssh://git@127.0.0.1:{silent.getsockname()[1]}/x", credentials=key, timeout=1.0).fetch()
        assert caught.value.retryable
