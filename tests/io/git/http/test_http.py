"""Over HTTP and HTTPS: who gets in, where a credential goes, and servers that fail."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from reconciler.io.git import Credentials, RefSpec, Secret
from reconciler.ports import SourceError

TOKEN = "s3cr3t%/t\\0ken'\"$HOME"
QUOTED = "s3cr3t%25%2Ft%5C0ken%27%22%24HOME"


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Credentials:
    monkeypatch.setenv("SOURCE_TOKEN", TOKEN)
    return Credentials(username="ci", password=Secret(variable="SOURCE_TOKEN"))


@pytest.fixture
def closed(server, token) -> Credentials:
    """The server asks for a login; the credential that it wants."""
    server.login = ("ci", TOKEN)
    return token


def test_without_a_login_anyone_may_read(server, upstream, follow):
    source = follow(server.url)
    assert source.fetch() == upstream.git("rev-parse", "HEAD")
    assert source.name == server.url
    assert source.tree("HEAD").files


@pytest.mark.parametrize("given", ["variable", "file", "url", "both secret"])
def test_a_login_by_variable_file_or_url(server, upstream, follow, closed, tmp_path, monkeypatch, given):
    (tmp_path / "token").write_text(TOKEN + "\n")
    monkeypatch.setenv("SOURCE_USER", "ci")
    url = server.url.replace("//", f"//ci:{QUOTED}@") if given == "url" else server.url
    credentials = {
        "variable": closed,
        "file": Credentials(username="ci", password=Secret(file=tmp_path / "token")),
        "url": None,
        "both secret": Credentials(username=Secret(variable="SOURCE_USER"), password=Secret(variable="SOURCE_TOKEN")),
    }[given]
    source = follow(url, credentials=credentials)
    assert source.fetch() == upstream.git("rev-parse", "HEAD")
    _assert_hidden(source, credentials)


def test_a_token_alone_needs_no_user_name(server, follow, token):
    server.login = ("x-access-token", TOKEN)
    follow(server.url, credentials=Credentials(password=token.password)).fetch()
    follow(server.url.replace("//", f"//{QUOTED}@")).fetch()


def test_a_rotated_token_is_read_anew(server, upstream, follow, closed, monkeypatch):
    source = follow(server.url, credentials=closed)
    source.fetch()
    server.login = ("ci", "rotated")
    with pytest.raises(SourceError):
        source.fetch()
    monkeypatch.setenv("SOURCE_TOKEN", "rotated")
    assert source.fetch() == upstream.git("rev-parse", "HEAD")


@pytest.mark.parametrize("wrong", ["none", "wrong", "wrong in url"])
def test_no_access_is_final_and_says_what_to_check(server, upstream, follow, closed, monkeypatch, wrong):
    source = follow(server.url, credentials=closed)
    sha = source.fetch()
    upstream.commit("more")
    server.login = ("ci", "another")
    monkeypatch.setenv("SOURCE_TOKEN", TOKEN + "wrong")
    url = server.url.replace("//", f"//ci:{QUOTED}@") if wrong == "wrong in url" else server.url
    refused = follow(url, credentials=closed if wrong == "wrong" else None)
    with pytest.raises(SourceError, match="access refused: check the credential of this source") as caught:
        refused.fetch()
    assert not caught.value.retryable
    assert server.url in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert QUOTED not in str(caught.value)
    assert source.last_known() == sha


def test_a_credential_that_is_not_there_names_its_place(server, follow, tmp_path):
    for secret, words in (
        (Secret(variable="NOT_SET"), "environment variable 'NOT_SET' is empty or not set"),
        (Secret(file=tmp_path / "absent"), "absent: No such file"),
    ):
        with pytest.raises(SourceError, match=words):
            follow(server.url, credentials=Credentials(password=secret)).fetch()
    assert server.seen == []


def test_the_token_is_in_no_command_line_while_git_runs(server, follow, closed):
    server.delay = 0.4
    lines: set[str] = set()
    with _watching(lines):
        source = follow(server.url, credentials=closed)
        source.fetch()
    assert any("git-remote-http" in line or "remote-http" in line for line in lines)
    assert not [line for line in lines if TOKEN in line or QUOTED in line]
    _assert_hidden(source, closed)


def test_a_redirect_to_another_host_gets_no_credential(server, serve, follow, closed):
    other = serve()
    server.redirect = f"http://localhost:{other.server_port}"
    with pytest.raises(SourceError, match="redirects elsewhere, and a credential is never sent along") as caught:
        follow(server.url, credentials=closed).fetch()
    assert not caught.value.retryable
    assert [given for _, given, _ in server.seen if given]
    assert other.seen == []


def test_a_credential_is_for_its_own_host_and_port_alone(server, serve, upstream, follow, closed, monkeypatch):
    """Without a credential a redirect is followed, and the other host's login is not answered."""
    other = serve()
    other.login = ("ci", TOKEN)
    server.login, server.redirect = None, f"http://127.0.0.1:{other.server_port}"
    with pytest.raises(SourceError):
        follow(server.url).fetch()
    assert [given for _, given, _ in other.seen] == [""]
    other.login = None
    assert follow(server.url).fetch() == upstream.git("rev-parse", "HEAD")


def test_an_idle_poll_asks_for_branches_alone_and_transfers_nothing(server, upstream, follow):
    for number in range(30):
        upstream.git("branch", f"other-{number}")
    source = follow(server.url, ref=RefSpec(branch="main"))
    source.fetch()
    server.seen.clear()
    source.fetch()
    bodies = [body for _, _, body in server.seen]
    assert len(bodies) <= 2
    assert not any(b"command=fetch" in body for body in bodies)
    assert any(b"ref-prefix refs/heads/" in body for body in bodies)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_failing_server_is_tried_again(server, follow, status):
    source = follow(server.url)
    sha = source.fetch()
    server.status = status
    with pytest.raises(SourceError, match=str(status)) as caught:
        source.fetch()
    assert caught.value.retryable
    assert source.last_known() == sha
    server.status = 0
    assert source.fetch() == sha


def test_a_missing_repository_is_final(server, follow):
    with pytest.raises(SourceError, match="there is no repository") as caught:
        follow(server.url.replace("upstream", "absent")).fetch()
    assert not caught.value.retryable


def test_a_pack_cut_off_in_transfer_keeps_the_last_good_state(server, upstream, follow):
    source = follow(server.url)
    sha = source.fetch()
    new = upstream.commit("large", {"policies/l.yaml": b"".join(b"%d: %d\n" % (n, n * n) for n in range(20000))})
    server.cut_after = 5000
    with pytest.raises(SourceError) as caught:
        source.fetch()
    assert caught.value.retryable
    assert source.last_known() == sha
    assert source.tree("HEAD").commit.sha == sha
    server.cut_after = 0
    assert source.fetch() == new
    assert not (source.mirror_path.parent / "mirror.broken.git").exists()


def test_a_closed_port_is_tried_again(upstream, follow):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for scheme in ("http", "git"):
        with pytest.raises(SourceError, match="cannot be reached") as caught:
            follow(f"{scheme}://127.0.0.1:{port}/upstream").fetch()
        assert caught.value.retryable


@pytest.mark.parametrize("scheme", ["http", "git"])
def test_a_server_that_never_answers_is_left_in_time_with_its_children(follow, scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(SourceError, match=r"git ls-remote gave no answer in 1 s") as caught:
            follow(f"{scheme}://127.0.0.1:{port}/x", timeout=1.0).fetch()
        assert caught.value.retryable
    end = time.monotonic() + 60
    while left := [line for line in _command_lines() if f":{port}/" in line]:
        assert time.monotonic() < end, left
        time.sleep(0.05)  # one that was killed takes a moment to go


def test_https_with_an_authority_of_ones_own(serve, authority, upstream, follow, token):
    ca, context = authority
    server = serve(context)
    server.login = ("ci", TOKEN)
    trusted = Credentials(username="ci", password=token.password, ca_file=ca)
    assert follow(server.url, credentials=trusted).fetch() == upstream.git("rev-parse", "HEAD")
    server.seen.clear()
    with pytest.raises(SourceError, match="its certificate is not trusted") as caught:
        follow(server.url, credentials=token).fetch()
    assert not caught.value.retryable
    assert server.seen == []


def _command_lines() -> set[str]:
    lines = set()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.add(file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return lines


class _watching:
    """Gathers every command line on the machine while it lasts."""

    def __init__(self, lines: set[str]) -> None:
        self._lines = lines
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            self._lines |= _command_lines()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _assert_hidden(source, credentials: Credentials | None) -> None:
    assert TOKEN not in repr((source, credentials, vars(source)))
    for path in source.mirror_path.parent.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert TOKEN.encode() not in content, path
            assert QUOTED.encode() not in content, path
