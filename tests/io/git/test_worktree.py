"""A folder named on the command line: files as they lie, and the history around them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.io.worktree import WorktreeSource
from reconciler.ports import SourceError

DOC = b"kind: Mesh\n"


def test_files_as_they_lie_are_not_those_of_head(upstream):
    sha = upstream.git("rev-parse", "HEAD")
    source = WorktreeSource(upstream.path)
    assert source.fetch() == sha == source.last_known() == source.resolve("HEAD") == source.resolve("main")
    assert not source.dirty()

    upstream.write({"policies/new.yaml": DOC, "policies/a.yaml": b"a: 1\n"})
    assert source.dirty()
    assert source.tree("worktree").files == {"policies/new.yaml": DOC, "policies/a.yaml": b"a: 1\n"}
    assert source.tree("worktree").commit.sha == source.commit("worktree").sha == "worktree"
    assert set(source.tree("HEAD").files) == {"policies/a.yaml"}
    assert source.changed_paths("HEAD", "worktree") == {"policies/new.yaml", "policies/a.yaml"}
    assert source.tree("worktree").identity == source.tree("HEAD").identity != ""
    assert source.descends(sha, "worktree")
    assert not source.descends("worktree", sha)
    assert [commit.sha for commit in source.log("", "worktree")] == [sha]
    assert source.root == upstream.path
    assert source.has_git


@pytest.mark.parametrize("change", ["staged", "deleted", "ignored", "too large"])
def test_every_difference_of_documents_is_dirt(upstream, change):
    if change == "staged":
        upstream.write({"policies/b.yaml": DOC})
        upstream.git("add", "-A")
    elif change == "deleted":
        (upstream.path / "policies/a.yaml").unlink()
    elif change == "ignored":
        upstream.commit("ignore", {".gitignore": b"*.yaml\n"})
        upstream.write({"policies/hidden.yaml": DOC})
    else:
        upstream.write({"policies/large.yaml": b"#" * 5_000_000})
    assert WorktreeSource(upstream.path).dirty()


def test_other_files_are_no_dirt(upstream):
    upstream.write({"policies/notes.txt": b"x", "elsewhere/a.yaml": DOC})
    assert not WorktreeSource(upstream.path).dirty()


def test_lines_that_are_not_committed_say_so(upstream):
    one = upstream.commit("one", {"policies/p.yaml": b"a: 1\nb: 1\nc: 1\n"})
    upstream.write({"policies/p.yaml": b"a: 1\nnew: 1\nb: 2\nc: 1\n", "policies/q.yaml": b"x: 1\ny: 1"})
    source = WorktreeSource(upstream.path)
    assert source.line_commits("worktree", "policies/p.yaml") == [one, "worktree", "worktree", one]
    assert source.line_commits("worktree", "policies/q.yaml") == ["worktree", "worktree"]
    assert source.line_commits("HEAD", "policies/p.yaml") == [one, one, one]
    with pytest.raises(SourceError, match="there is no document policies/absent"):
        source.line_commits("worktree", "policies/absent.yaml")


def test_a_folder_inside_a_repository(upstream, follow):
    sha = upstream.commit("fleet", {"fleet/eu/policies/x.yaml": DOC})
    fetched = follow(upstream, folder="fleet/eu")
    fetched.fetch()
    for source in (WorktreeSource(upstream.path / "fleet/eu"), WorktreeSource(upstream.path / "fleet", "eu")):
        assert source.root == upstream.path / "fleet/eu"
        assert source.fetch() == sha
        assert source.tree("worktree").files == source.tree("HEAD").files == {"policies/x.yaml": DOC}
        assert source.tree("worktree").identity == fetched.tree(sha).identity
        assert source.changed_paths("HEAD~1", "HEAD") == {"policies/x.yaml"}
        assert source.line_commits("HEAD", "policies/x.yaml") == [sha]
        assert not source.dirty()


def test_a_path_through_a_link_and_a_second_work_tree(upstream, tmp_path):
    (tmp_path / "link").symlink_to(upstream.path)
    upstream.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "second"))
    upstream.commit("on main")
    assert WorktreeSource(tmp_path / "link").fetch() == upstream.git("rev-parse", "main")
    assert WorktreeSource(tmp_path / "second").fetch() == upstream.git("rev-parse", "side")
    assert not WorktreeSource(tmp_path / "second").dirty()


def test_a_plain_folder_needs_no_git(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/a.yaml").write_bytes(b"a: 1\nb: 2\n")
    source = WorktreeSource(tmp_path)
    assert source.fetch() == source.last_known() == source.resolve("worktree") == "worktree"
    tree = source.tree("worktree")
    assert (tree.files, tree.identity, tree.commit.sha) == ({"policies/a.yaml": b"a: 1\nb: 2\n"}, "", "worktree")
    assert not source.dirty()
    assert not source.has_git
    assert not source.shallow
    assert list(source.log("", "worktree")) == []
    assert source.line_commits("worktree", "policies/a.yaml") == ["worktree", "worktree"]
    assert source.changed_paths("worktree", "worktree") == frozenset()
    assert source.descends("worktree", "worktree")
    for ask in (
        lambda: source.tree("HEAD"),
        lambda: source.resolve("main"),
        lambda: source.descends("HEAD", "worktree"),
    ):
        with pytest.raises(SourceError, match="plain folder without Git, so it has no history"):
            ask()


def test_an_empty_folder_is_an_empty_tree(tmp_path):
    assert WorktreeSource(tmp_path).tree("worktree").files == {}


def test_a_repository_without_a_commit(make_upstream):
    made = make_upstream("unborn")
    source = WorktreeSource(made.path)
    assert not source.dirty()
    made.write({"policies/a.yaml": DOC})
    assert source.tree("worktree").files == {"policies/a.yaml": DOC}
    assert source.tree("worktree").identity == ""
    assert source.dirty()
    assert source.last_known() is None
    assert source.line_commits("worktree", "policies/a.yaml") == ["worktree"]
    with pytest.raises(SourceError, match="nothing is committed yet: commit first"):
        source.fetch()


def test_a_bare_repository_has_its_head_for_files(upstream, tmp_path):
    subprocess.run(["git", "clone", "-q", "--bare", upstream.path, tmp_path / "bare.git"], check=True)
    source = WorktreeSource(tmp_path / "bare.git")
    sha = upstream.git("rev-parse", "HEAD")
    assert source.bare
    assert source.fetch() == sha == source.resolve("worktree") == source.commit("worktree").sha
    assert source.tree("worktree") == source.tree("HEAD")
    assert set(source.tree("worktree").files) == {"policies/a.yaml"}
    assert not source.dirty()
    assert source.line_commits("worktree", "policies/a.yaml") == [sha] * 4


def test_a_shallow_clone_says_so(upstream, tmp_path):
    new = upstream.commit("second", {"policies/z.yaml": DOC})
    upstream.git("clone", "-q", "--depth", "1", f"file://{upstream.path}", str(tmp_path / "cut"))
    source = WorktreeSource(tmp_path / "cut")
    assert source.shallow
    assert source.tree("worktree").identity == ""
    assert source.line_commits("worktree", "policies/z.yaml") == [""]
    assert [commit.sha for commit in source.log("", "HEAD")] == [new]


def test_what_is_no_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(SourceError, match="there is no such folder"):
            WorktreeSource(path)


def test_a_broken_repository_is_an_error_and_its_files_are_not_taken_for_a_plain_folder(upstream):
    (upstream.path / ".git/HEAD").write_text("garbage\n")
    with pytest.raises(SourceError, match=r"cannot be used: mend it or remove its \.git"):
        WorktreeSource(upstream.path)


def test_damage_in_a_work_tree_is_told(upstream):
    for path in Path(upstream.path / ".git/objects").glob("??/*"):
        path.chmod(0o600)
        path.write_bytes(b"garbage")
    with pytest.raises(SourceError, match="damaged"):
        WorktreeSource(upstream.path).tree("HEAD")
