"""What a tree may hold and what becomes of it, the same from Git and from files as they lie."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from reconciler.io.git import documents, files, trees
from reconciler.io.worktree import WorktreeSource
from reconciler.ports import SourceError

DOC = b"kind: Mesh\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


@pytest.fixture
def odd(upstream):
    """A repository with one of everything."""
    upstream.write(
        {
            "policies/UPPER.YAML": DOC,
            "policies/sub/real.yaml": b"real\n",
            "policies/notes.md": b"x",
            "policies/keys/staff.jwks.json": b'{"keys": []}',
            "policies/notes.json": b"{}",
            "policies/large.yaml": b"#" * (documents.MAX_FILE + 1),
            "policies/full.yaml": b"#" * documents.MAX_FILE,
            "policies/pointer.yaml": LFS,
            b"policies/caf\xe9.yaml": DOC,
            "policies/caf\u00e9.yaml": DOC,
            "policies/esc\x1b[31m.yaml": DOC,
            "shared/outside.yaml": b"outside\n",
        }
    )
    for name, target in {
        "policies/near.yaml": "sub/real.yaml",
        "policies/chain.yaml": "near.yaml",
        "policies/through.yaml": "folder/real.yaml",
        "desired-state/across.yaml": "../policies/sub/real.yaml",
        "policies/folder": "sub",
        "policies/out.yaml": "../../../../etc/passwd",
        "policies/absolute.yaml": "/etc/passwd",
        "policies/beside.yaml": "../shared/outside.yaml",
        "policies/loop.yaml": "loop.yaml",
        "policies/dangling.yaml": "absent.yaml",
        "policies/to-large.yaml": "large.yaml",
        "policies/to-notes.yaml": "notes.md",
        "policies/readme.txt": "/etc/hostname",
        "policies/elsewhere": "/srv",
    }.items():
        path = upstream.path / name
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(target)
    return upstream


READ = {
    "policies/a.yaml",
    "policies/UPPER.YAML",
    "policies/sub/real.yaml",
    "policies/keys/staff.jwks.json",
    "policies/full.yaml",
    "policies/caf\u00e9.yaml",
    "policies/near.yaml",
    "policies/chain.yaml",
    "policies/through.yaml",
    "desired-state/across.yaml",
}
REFUSED = {
    "policies/large.yaml": "too large",
    "policies/pointer.yaml": "Git LFS pointer",
    "policies/caf\\xe9.yaml": "not UTF-8",
    "policies/esc\\x1b[31m.yaml": "control characters",
    "policies/folder": "link to sub, which is no document",
    "policies/out.yaml": "link out of the tree",
    "policies/absolute.yaml": "link out of the tree, to /etc/passwd",
    "policies/beside.yaml": "no document below desired-state/ or policies/",
    "policies/loop.yaml": "link out of the tree",
    "policies/dangling.yaml": "no document",
    "policies/to-large.yaml": "too large",
    "policies/to-notes.yaml": "no document",
    "policies/elsewhere": "link out of the tree",
}


@pytest.mark.parametrize("way", ["fetched", "HEAD", "worktree"])
def test_documents_are_read_and_what_could_hide_one_is_refused(odd, follow, way):
    odd.commit("everything")
    if way == "fetched":
        source = follow(odd)
        source.fetch()
        tree = source.tree("HEAD")
    else:
        tree = WorktreeSource(odd.path).tree(way)

    assert set(tree.files) == READ
    assert {path for path, content in tree.files.items() if content == b"real\n"} == {
        path for path in READ if Path(path).stem in {"real", "near", "chain", "through", "across"}
    }
    assert set(tree.refused) == set(REFUSED)
    assert {path: reason for path, reason in tree.refused.items() if REFUSED[path] not in reason} == {}


@pytest.mark.parametrize("way", ["fetched", "worktree"])
def test_a_repository_inside_is_not_followed(upstream, make_upstream, follow, way):
    make_upstream("inner").commit("inner", {"policies/deep.yaml": DOC})
    upstream.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", "../inner", "policies/inner")
    upstream.commit("with a submodule")
    source = follow(upstream) if way == "fetched" else WorktreeSource(upstream.path)
    source.fetch()
    tree = source.tree("HEAD" if way == "fetched" else "worktree")
    assert set(tree.files) == {"policies/a.yaml"}
    assert list(tree.refused) == ["policies/inner"]
    assert "submodule" in tree.refused["policies/inner"]


@pytest.mark.parametrize("way", ["fetched", "worktree"])
def test_a_linked_root_is_refused(upstream, follow, way):
    (upstream.path / "desired-state").symlink_to("/etc")
    upstream.commit("linked")
    source = follow(upstream) if way == "fetched" else WorktreeSource(upstream.path)
    source.fetch()
    tree = source.tree("HEAD" if way == "fetched" else "worktree")
    assert set(tree.refused) == {"desired-state"}


def test_special_files_are_never_opened(tmp_path):
    policies = tmp_path / "policies"
    policies.mkdir()
    os.mkfifo(policies / "pipe.yaml")
    os.mkfifo(policies / "pipe")
    (policies / "a.yaml").write_bytes(DOC)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(policies / "socket.yaml"))
        tree = WorktreeSource(tmp_path).tree("worktree")
    assert tree.files == {"policies/a.yaml": DOC}
    assert tree.refused == {f"policies/{name}.yaml": "not a regular file" for name in ("pipe", "socket")}


def test_what_cannot_be_read_is_refused(tmp_path):
    for name in ("closed.yaml", "shut/x.yaml", "open.yaml"):
        path = tmp_path / "policies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(DOC)
    (tmp_path / "policies/closed.yaml").chmod(0)
    (tmp_path / "policies/shut").chmod(0)
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        tree = WorktreeSource(tmp_path).tree("worktree")
    finally:
        if root:
            os.seteuid(0)
        (tmp_path / "policies/shut").chmod(0o700)
    reason = "cannot be read: Permission denied"
    assert tree.files == {"policies/open.yaml": DOC}
    assert tree.refused == {"policies/closed.yaml": reason, "policies/shut": reason}


@pytest.mark.parametrize("way", ["fetched", "worktree"])
def test_the_sum_of_documents_is_bounded(upstream, follow, monkeypatch, way):
    monkeypatch.setattr(trees, "MAX_TOTAL", 1000)
    monkeypatch.setattr(files, "MAX_TOTAL", 1000)
    upstream.commit("much", {f"policies/{number}.yaml": b"%d" % number * 300 for number in range(5)})
    source = follow(upstream) if way == "fetched" else WorktreeSource(upstream.path)
    source.fetch()
    with pytest.raises(SourceError, match="documents are more than"):
        source.tree("HEAD" if way == "fetched" else "worktree")


def test_a_tree_of_endless_folders_ends(upstream, follow):
    blob = upstream.git("hash-object", "-w", "--stdin", stdin=DOC)
    line = "".join(f"100644 blob {blob}\tf{number}.yaml\n" for number in range(20))
    tree = upstream.git("mktree", stdin=line.encode())
    for _ in range(7):
        line = "".join(f"040000 tree {tree}\t{'d' * 20}{number}\n" for number in range(20))
        tree = upstream.git("mktree", stdin=line.encode())
    top = upstream.git("mktree", stdin=f"040000 tree {tree}\tpolicies\n".encode())
    upstream.git("reset", "-q", "--soft", upstream.git("commit-tree", "-m", "bomb", top))
    source = follow(upstream)
    source.fetch()
    with pytest.raises(SourceError, match=r"git ls-tree answers with more than 64 MiB"):
        source.tree("HEAD")


def test_the_number_of_processes_does_not_grow_with_the_files(upstream, follow, tmp_path, monkeypatch):
    source = follow(upstream)
    source.fetch()
    count = _counting_git(tmp_path, monkeypatch)
    source.tree("HEAD")
    few = count()
    stream = "commit refs/heads/main\ncommitter C <c@e> 1700000000 +0000\ndata 1\nx\n" + "".join(
        f"M 100644 inline policies/{number % 50}/{number}.yaml\ndata {len(str(number))}\n{number}\n"
        for number in range(2000)
    )
    upstream.git("fast-import", "--quiet", "--force", stdin=stream.encode())
    source.fetch()
    before = count()
    tree = source.tree("HEAD")
    assert len(tree.files) == 2000
    assert tree.files["policies/7/1357.yaml"] == b"1357"
    assert 0 < count() - before <= few


def _counting_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a git before the real one that leaves a line for each start."""
    log, folder = tmp_path / "starts", tmp_path / "bin"
    folder.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "git").write_text(f'#!/bin/sh\necho x >> {log}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return lambda: len(log.read_text().splitlines()) if log.exists() else 0
