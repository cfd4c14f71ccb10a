"""Following a repository: revisions, trees, history. The remote is a real repository on this disk."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from reconciler.io.git import RefSpec
from reconciler.io.worktree import WorktreeSource
from reconciler.ports import HiddenHistory, SourceError

DOC = b"kind: Mesh\n"


def test_a_fetched_commit_is_read_whole(upstream, follow):
    sha = upstream.commit(
        "Send ten percent\n\nIt is new.\n\nReviewed-by: Bob\nReconciler-Confirm: abc\nReconciler-Confirm: def\n",
        {"desired-state/meshes/m.yml": DOC, "README.md": b"x", "policies/notes.json": b"{}", "other/o.yaml": DOC},
    )
    source = follow(upstream)

    assert source.last_known() is None
    assert source.fetch() == sha == source.last_known()
    tree = source.tree("HEAD")
    assert dict(tree.files) == {
        "desired-state/meshes/m.yml": DOC,
        "policies/a.yaml": (upstream.path / "policies/a.yaml").read_bytes(),
    }
    assert tree.refused == {}
    commit = tree.commit
    assert (commit.sha, commit.author, commit.committer) == (sha, "Ada <ada@example.org>", "Carl <carl@example.org>")
    assert commit.author_time == datetime.fromtimestamp(1700000000, timezone(timedelta(hours=1, minutes=30)))
    assert commit.commit_time.utcoffset() == timedelta(hours=-5)
    assert commit.subject == "Send ten percent"
    assert commit.trailers == {"reviewed-by": ("Bob",), "reconciler-confirm": ("abc", "def")}
    assert commit.signature == ""
    assert source.commit(sha) == commit


def test_a_later_commit_is_fetched_and_an_idle_poll_changes_nothing(upstream, follow):
    source = follow(upstream)
    first = source.fetch()
    before = _snapshot(source.mirror_path)
    assert source.fetch() == first
    assert _snapshot(source.mirror_path) == before

    second = upstream.commit("more", {"policies/b.yaml": DOC})
    assert source.fetch() == second
    assert source.changed_paths(first, second) == {"policies/b.yaml"}
    assert set(source.tree(first).files) == {"policies/a.yaml"}
    assert not (source.mirror_path / "hooks").exists()
    assert not list(source.mirror_path.rglob("*.yaml"))


def test_a_mirror_outlives_the_process_and_the_remote(upstream, follow):
    sha = follow(upstream).fetch()
    upstream.path.rename(upstream.path.with_name("gone"))
    source = follow(upstream)

    with pytest.raises(SourceError, match="upstream: cannot list its branches: there is no repository"):
        source.fetch()
    assert source.last_known() == sha
    assert "policies/a.yaml" in source.tree(sha).files


@pytest.mark.parametrize("kind", ["branch", "tag", "annotated", "commit", "short", "default"])
def test_every_kind_of_ref_can_be_followed(upstream, follow, kind):
    wanted = upstream.git("rev-parse", "HEAD")
    upstream.git("branch", "team/prod")
    upstream.git("tag", "v1")
    upstream.git("tag", "-a", "-m", "a release", "v2")
    later = upstream.commit("later")
    ref = {
        "branch": RefSpec(branch="team/prod"),
        "tag": RefSpec(tag="v1"),
        "annotated": RefSpec(tag="v2"),
        "commit": RefSpec(commit=wanted),
        "short": RefSpec(commit=wanted[:9]),
        "default": RefSpec(),
    }[kind]
    source = follow(upstream, ref=ref)

    assert source.fetch() == (later if kind == "default" else wanted)
    assert source.fetch() == source.last_known() == source.resolve("HEAD")
    if ref.short:
        assert source.resolve(ref.short) == wanted


def test_the_default_branch_may_have_any_name_and_move(upstream, follow):
    upstream.git("checkout", "-q", "-b", "trunk")
    sha = upstream.commit("on trunk")
    source = follow(upstream)
    assert source.fetch() == sha
    upstream.git("checkout", "-q", "main")
    assert source.fetch() == upstream.git("rev-parse", "main")


def test_a_pinned_commit_needs_no_remote_once_it_is_here(upstream, follow):
    sha = upstream.git("rev-parse", "HEAD")
    ref = RefSpec(commit=sha)
    follow(upstream, ref=ref).fetch()
    upstream.path.rename(upstream.path.with_name("gone"))
    assert follow(upstream, ref=ref).fetch() == sha


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (RefSpec(branch="mian"), "there is no branch mian; there are main"),
        (RefSpec(tag="v9"), "there is no tag v9; there are none"),
        (RefSpec(commit="f" * 40), "there is no commit 'ffff"),
        (RefSpec(commit="fffffff"), "there is no commit 'fffffff'"),
    ],
)
def test_an_absent_ref_is_named_with_what_there_is(upstream, follow, ref, words):
    with pytest.raises(SourceError, match=words) as caught:
        follow(upstream, ref=ref).fetch()
    assert not caught.value.retryable
    assert str(upstream.path) in str(caught.value)


def test_a_branch_that_vanishes_keeps_the_last_good_state(upstream, follow):
    upstream.git("branch", "prod")
    source = follow(upstream, ref=RefSpec(branch="prod"))
    sha = source.fetch()
    upstream.git("branch", "-D", "prod")
    with pytest.raises(SourceError, match="no branch prod"):
        source.fetch()
    assert source.last_known() == sha
    assert source.tree("HEAD").commit.sha == sha


def test_an_empty_repository_says_what_to_do(make_upstream, follow):
    with pytest.raises(SourceError, match="is empty: push a commit with desired-state/ and policies/") as caught:
        follow(make_upstream("empty")).fetch()
    assert not caught.value.retryable


def test_a_head_without_its_branch_says_which_there_are(upstream, follow):
    upstream.git("symbolic-ref", "HEAD", "refs/heads/master")
    with pytest.raises(SourceError, match="HEAD names no branch that exists: name a branch; there are main"):
        follow(upstream).fetch()


def test_a_tag_of_something_else_is_refused(upstream, follow):
    upstream.git("tag", "tree", upstream.git("rev-parse", "HEAD^{tree}"))
    with pytest.raises(SourceError, match="refs/tags/tree is not a commit"):
        follow(upstream, ref=RefSpec(tag="tree")).fetch()


def test_other_revisions_are_asked_of_the_remote_and_follow_it(upstream, follow):
    first = upstream.git("rev-parse", "HEAD")
    second = upstream.commit("second")
    source = follow(upstream)
    source.fetch()
    upstream.git("checkout", "-q", "-b", "side", first)
    side = upstream.commit("side")

    assert source.resolve("side") == side
    assert source.resolve("side~1") == first == source.resolve("HEAD~1") == source.resolve(second[:8] + "^")
    assert source.tree("side").commit.subject == "side"
    moved = upstream.commit("moved")
    assert source.resolve("side") == moved
    assert source.resolve(upstream.commit("by its sha")) == upstream.git("rev-parse", "HEAD")
    assert source.last_known() == second


@pytest.mark.parametrize(
    "revision", ["nope", "nope~2", "HEAD~99", "e" * 40, "-h", "--all", "a..b", "HEAD:policies", "", "a b"]
)
def test_what_names_no_commit_is_an_error(upstream, follow, revision):
    source = follow(upstream)
    source.fetch()
    with pytest.raises(SourceError) as caught:
        source.tree(revision)
    assert not caught.value.retryable


def test_nothing_can_be_read_before_the_first_fetch(upstream, follow):
    for ask in (
        lambda s: s.tree("HEAD"),
        lambda s: s.resolve("main"),
        lambda s: s.resolve("e" * 40),
        lambda s: s.shallow,
    ):
        with pytest.raises(SourceError, match="nothing has been fetched"):
            ask(follow(upstream))


def test_a_force_push_is_seen_and_the_old_head_stays_readable(upstream, follow):
    first = upstream.git("rev-parse", "HEAD")
    source = follow(upstream)
    old = upstream.commit("to be rewritten", {"policies/old.yaml": DOC})
    source.fetch()
    upstream.git("reset", "-q", "--hard", first)
    new = upstream.commit("rewritten", {"policies/new.yaml": DOC})

    assert source.fetch() == new
    assert not source.descends(old, new)
    assert source.descends(first, new)
    assert source.descends(new, new)
    assert not source.descends(new, first)
    assert not source.descends("e" * 40, new)
    subprocess.run(["git", "gc", "-q", "--prune=now"], cwd=source.mirror_path, check=True)
    upstream.path.rename(upstream.path.with_name("gone"))  # so that it cannot be asked for the old head
    assert "policies/old.yaml" in source.tree(old).files
    assert source.changed_paths(old, new) == {"policies/old.yaml", "policies/new.yaml"}


def test_the_log_follows_first_parents(upstream, follow):
    root = upstream.git("rev-parse", "HEAD")
    upstream.git("checkout", "-q", "-b", "topic")
    upstream.commit("in the topic", {"policies/t.yaml": b"a: 1\nb: 2\n"})
    upstream.git("checkout", "-q", "main")
    second = upstream.commit("on main")
    upstream.git("merge", "-q", "--no-ff", "-m", "merge topic", "topic")
    merge = upstream.git("rev-parse", "HEAD")
    source = follow(upstream)
    source.fetch()

    assert [commit.sha for commit in source.log(root, "HEAD")] == [merge, second]
    assert [commit.sha for commit in source.log("", merge)] == [merge, second, root]
    assert source.log("HEAD", "HEAD") == []
    assert source.line_commits("HEAD", "policies/t.yaml") == [merge, merge]


def test_each_line_has_the_commit_that_last_changed_it(upstream, follow):
    one = upstream.commit("one", {"fleet/policies/p.yaml": b"a: 1\nb: 1\n\tc\n"})
    two = upstream.commit("two", {"fleet/policies/p.yaml": b"a: 1\nb: 2\n\tc\nd: 1"})
    source = follow(upstream, folder="fleet")
    source.fetch()
    assert source.line_commits(two, "policies/p.yaml") == [one, two, one, two]
    assert source.line_commits(one, "policies/p.yaml") == [one, one, one]
    with pytest.raises(SourceError, match=r"policies/absent\.yaml"):
        source.line_commits(two, "policies/absent.yaml")


def test_a_folder_is_the_root_of_paths_and_part_of_the_identity(upstream, follow):
    old = upstream.git("rev-parse", "HEAD")
    new = upstream.commit("fleet", {"fleet/eu/policies/x.yaml": DOC, "fleet/eu-2/policies/y.yaml": DOC})
    whole, part = follow(upstream), follow(upstream, folder="fleet/eu/")
    whole.fetch()

    assert part.fetch() == new
    assert set(part.tree("HEAD").files) == {"policies/x.yaml"}
    assert part.changed_paths(old, new) == {"policies/x.yaml"}
    assert whole.changed_paths(old, new) == {"fleet/eu/policies/x.yaml", "fleet/eu-2/policies/y.yaml"}
    assert part.tree("HEAD").identity != whole.tree("HEAD").identity == whole.tree(old).identity != ""


def test_the_identity_outlives_a_merge_of_foreign_history(upstream, make_upstream, follow):
    other = make_upstream("other")
    other.commit("unrelated", {"x": b"x"})
    source = follow(upstream)
    source.fetch()
    before = source.tree("HEAD").identity
    upstream.git("fetch", "-q", str(other.path), "main")
    upstream.git("merge", "-q", "--allow-unrelated-histories", "-m", "adopt", "FETCH_HEAD")
    source.fetch()
    assert source.tree("HEAD").identity == before


@pytest.mark.parametrize("folder", ["../up", "/abs", "a/../../b", "a\nb"])
def test_a_folder_outside_is_refused(upstream, follow, folder):
    with pytest.raises(SourceError, match="inside the repository"):
        follow(upstream, folder=folder)


def test_a_repository_with_sha256_objects(make_upstream, follow):
    remote = make_upstream("sha256", "--object-format=sha256")
    sha = remote.commit("first", {"policies/a.yaml": DOC})
    source = follow(remote)
    assert source.fetch() == sha
    assert len(sha) == 64
    assert source.tree(sha).files == {"policies/a.yaml": DOC}
    assert source.line_commits(sha, "policies/a.yaml") == [sha]
    assert follow(remote, ref=RefSpec(commit=sha[:10])).fetch() == sha


def test_a_cut_off_history_says_so(upstream, follow, tmp_path):
    old = upstream.git("rev-parse", "HEAD")
    new = upstream.commit("second", {"policies/a.yaml": b"new: 1\n" + (upstream.path / "policies/a.yaml").read_bytes()})
    cut = upstream.commit("third", {"policies/z.yaml": DOC})
    upstream.git("clone", "-q", "--depth", "2", f"file://{upstream.path}", str(tmp_path / "cut"))
    source = follow(tmp_path / "cut")

    assert source.fetch() == cut
    assert source.shallow
    whole = follow(upstream)
    whole.fetch()
    assert not whole.shallow
    assert source.tree("HEAD").identity == ""
    assert [commit.sha for commit in source.log("", "HEAD")] == [cut, new]
    assert set(source.line_commits("HEAD", "policies/a.yaml")) == {""}
    assert source.line_commits("HEAD", "policies/z.yaml") == [cut]
    with pytest.raises(SourceError, match="shallow"):
        source.descends(old, cut)
    with pytest.raises(SourceError, match="shallow"):
        source.log(old, cut)
    assert source.descends(new, cut)


def test_where_two_branches_parted(upstream, follow, tmp_path):
    parted = upstream.commit("parted")
    upstream.git("checkout", "-q", "-b", "other")
    other = upstream.commit("other", {"policies/o.yaml": b"kind: O\n"})
    upstream.git("checkout", "-q", "main")
    here = upstream.commit("here", {"policies/h.yaml": b"kind: H\n"})
    source = follow(upstream)
    source.fetch()
    assert source.merge_base(here, "other") == parted == source.merge_base(other, "main")
    assert source.merge_base(parted, here) == parted
    assert source.merge_base(here, here) == here
    upstream.git("checkout", "-q", "--orphan", "apart")
    apart = upstream.commit("apart", {"policies/p.yaml": b"kind: P\n"})
    assert source.resolve("apart") == apart
    assert source.merge_base(apart, here) == ""
    upstream.git("clone", "-q", "--depth", "1", "--no-single-branch", f"file://{upstream.path}", str(tmp_path / "cut"))
    with pytest.raises(HiddenHistory, match="unshallow"):
        WorktreeSource(tmp_path / "cut").merge_base(here, other)


def test_two_refs_of_one_repository_do_not_meet(upstream, follow):
    first = upstream.git("rev-parse", "HEAD")
    upstream.git("branch", "prod")
    second = upstream.commit("ahead")
    main, prod = follow(upstream, ref=RefSpec(branch="main")), follow(upstream, ref=RefSpec(branch="prod"))
    assert (main.fetch(), prod.fetch()) == (second, first)
    assert (main.last_known(), prod.last_known()) == (second, first)


def _snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}
