"""Broken mirrors, broken remotes, leftovers of killed processes, and several processes at once."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.ports import SourceError

DOC = b"kind: Mesh\n"


@pytest.fixture
def large(upstream):
    """Enough that a fetch makes a pack, of content that does not compress."""
    noise = {f"policies/{number}.yaml": b"# " + os.urandom(1200).hex().encode() for number in range(150)}
    upstream.commit("much", noise)
    upstream.git("repack", "-q", "-a", "-d")
    return upstream


def _truncate_packs(mirror: Path) -> None:
    packs = list(mirror.glob("objects/pack/*.pack"))
    assert packs
    for pack in packs:
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[: pack.stat().st_size // 3])


def _garble_objects(mirror: Path) -> None:
    for path in [*mirror.glob("objects/pack/*.pack"), *mirror.glob("objects/??/*")]:
        path.chmod(0o600)
        path.write_bytes(b"garbage" * 10)


def _lose_packs(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")


def _garble_head(mirror: Path) -> None:
    (mirror / "refs/heads/reconciler").write_text("not a sha\n")


def _lose_head_file(mirror: Path) -> None:
    (mirror / "HEAD").unlink()


def _empty_folder(mirror: Path) -> None:
    shutil.rmtree(mirror)
    mirror.mkdir()


DAMAGES = [_truncate_packs, _garble_objects, _lose_packs, _garble_head, _lose_head_file, _empty_folder]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mirror_is_set_aside_and_cloned_anew(large, follow, damage):
    source = follow(large)
    sha = source.fetch()
    damage(source.mirror_path)
    source = follow(large)

    assert source.fetch() == sha
    assert len(source.tree(sha).files) == 151
    assert (source.mirror_path.parent / "mirror.broken.git").is_dir()
    assert not (source.mirror_path.parent / "mirror.new.git").exists()
    subprocess.run(["git", "fsck", "--strict"], cwd=source.mirror_path, check=True, capture_output=True)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mirror_is_repaired_while_reading(large, follow, damage):
    source = follow(large)
    sha = source.fetch()
    damage(source.mirror_path)
    assert len(source.tree(sha).files) == 151


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_shows_in_a_fetch_that_brings_something(large, follow, damage):
    source = follow(large)
    source.fetch()
    damage(source.mirror_path)
    new = large.commit("next", {"policies/0.yaml": b"changed\n"})
    assert source.fetch() == new
    assert source.tree(new).files["policies/0.yaml"] == b"changed\n"


def test_damage_while_the_remote_is_down_says_both(large, follow):
    source = follow(large)
    sha = source.fetch()
    _truncate_packs(source.mirror_path)
    large.path.rename(large.path.with_name("gone"))

    for ask in (source.fetch, lambda: source.tree(sha)):
        with pytest.raises(SourceError, match=r"damaged.*cannot be cloned anew either.*there is no repository"):
            ask()
    assert source.last_known() == sha
    large.path.with_name("gone").rename(large.path)
    assert source.fetch() == sha
    assert len(source.tree(sha).files) == 151


def test_a_remote_with_a_truncated_pack_keeps_the_last_good_state(large, follow):
    source = follow(large)
    sha = source.fetch()
    new = large.commit("next", {"policies/next.yaml": b"x: 1\n" * 50000})
    large.git("repack", "-q", "-a", "-d")
    whole = {pack: pack.read_bytes() for pack in large.path.glob(".git/objects/pack/*.pack")}
    _truncate_packs(large.path / ".git")

    with pytest.raises(SourceError) as caught:
        source.fetch()
    assert caught.value.retryable
    assert str(large.path) in str(caught.value)
    assert source.last_known() == sha
    assert len(source.tree(sha).files) == 151
    assert not (source.mirror_path.parent / "mirror.broken.git").exists()
    for pack, content in whole.items():
        pack.write_bytes(content)
    assert source.fetch() == new


def test_a_first_clone_that_fails_leaves_nothing(large, follow):
    _truncate_packs(large.path / ".git")
    source = follow(large)
    with pytest.raises(SourceError):
        source.fetch()
    assert source.last_known() is None
    assert {path.name for path in source.mirror_path.parent.iterdir()} <= {"lock", "owner.gitconfig"}


def test_objects_that_break_the_rules_of_git_are_not_taken(upstream, follow):
    source = follow(upstream)
    sha = source.fetch()
    tree, parent = upstream.git("rev-parse", "HEAD^{tree}"), sha
    bad = f"tree {tree}\nparent {parent}\nauthor nobody\ncommitter C <c@e> 1700000000 +0000\n\nbad\n"
    broken = upstream.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=bad.encode())
    (upstream.path / ".git/refs/heads/main").write_text(broken + "\n")
    with pytest.raises(SourceError, match=r"missingEmail|missingSpaceBeforeEmail|fsck"):
        source.fetch()
    assert source.last_known() == sha


def test_what_a_killed_git_left_does_not_stop_the_next(upstream, follow):
    source = follow(upstream)
    source.fetch()
    left = [
        source.mirror_path / name
        for name in ("packed-refs.lock", "refs/heads/reconciler.lock", "shallow.lock", "objects/pack/tmp_pack_abc")
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    new = upstream.commit("next", {"policies/b.yaml": DOC})
    assert source.fetch() == new
    assert not any(path.exists() for path in left)


def test_a_lock_that_is_held_is_waited_for_and_not_for_ever(upstream, follow):
    source = follow(upstream, timeout=0.5)
    sha = source.fetch()
    with (source.mirror_path.parent / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SourceError, match="another process has been fetching") as caught:
            source.fetch()
        assert caught.value.retryable
        assert source.tree(sha).files
    assert source.fetch() == sha


def test_processes_share_a_mirror(large, mirrors):
    script = (
        "import sys; from pathlib import Path; from reconciler.io.git import GitSource\n"
        "source = GitSource(sys.argv[1], mirror_folder=Path(sys.argv[2]))\n"
        "for _ in range(3): print(source.fetch(), len(source.tree('HEAD').files))"
    )
    command = [sys.executable, "-c", script, str(large.path), str(mirrors)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = {process.communicate(timeout=240)[0] for process in started}
    assert answers == {f"{large.git('rev-parse', 'HEAD')} 151\n" * 3}
    assert [process.returncode for process in started] == [0] * 4


def test_a_state_folder_that_cannot_be_written_is_an_error(upstream, follow, mirrors):
    mirrors.parent.mkdir(parents=True)
    mirrors.write_text("a file, not a folder")
    with pytest.raises(SourceError, match="cannot write to the state folder"):
        follow(upstream).fetch()
