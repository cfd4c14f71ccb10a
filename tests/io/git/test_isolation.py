"""Nothing of the machine's or the repository's settings is run or followed, and no process is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.io.git import command
from reconciler.io.git.command import GitCommand
from reconciler.io.worktree import WorktreeSource
from reconciler.ports import SourceError

DOC = b"kind: Mesh\n"


def _trap(tmp_path: Path, name: str) -> tuple[Path, Path]:
    """(a program, the file that it leaves when it is run)."""
    mark, program = tmp_path / f"{name}.ran", tmp_path / f"{name}.sh"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat 2>/dev/null\nexit 0\n")
    program.chmod(0o755)
    return program, mark


def test_no_hook_of_the_user_or_of_a_template_is_run(upstream, follow, tmp_path, monkeypatch):
    program, mark = _trap(tmp_path, "hook")
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("reference-transaction", "post-checkout", "post-index-change", "pre-auto-gc"):
        (hooks / name).symlink_to(program)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[core]\nhooksPath = {hooks}\n[init]\ntemplateDir = {hooks.parent}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hooks.parent))
    source = follow(upstream)
    source.fetch()
    upstream.commit("more")
    source.fetch()
    source.tree("HEAD")

    assert not mark.exists()
    subprocess.run(["git", "update-ref", "refs/x", source.fetch()], cwd=source.mirror_path, check=True)
    assert mark.exists()  # the trap works


def test_what_the_environment_tells_git_is_not_heard(upstream, make_upstream, follow, tmp_path, monkeypatch):
    """As when we are called from a hook of another repository."""
    other = make_upstream("other")
    other.commit("other", {"policies/other.yaml": DOC})
    program, mark = _trap(tmp_path, "told")
    for name, value in {
        "GIT_DIR": str(other.path / ".git"),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": "/nonexistent",
        "GIT_OBJECT_DIRECTORY": str(other.path / ".git/objects"),
        "GIT_NAMESPACE": "elsewhere",
        "GIT_CONFIG_PARAMETERS": "'core.fsmonitor'='/bin/false'",
        "GIT_SSH_COMMAND": str(program),
        "GIT_ASKPASS": str(program),
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_TRACE2_EVENT": str(tmp_path / "trace2"),
    }.items():
        monkeypatch.setenv(name, value)
    source = follow(upstream)
    assert source.fetch() == upstream.git("rev-parse", "HEAD")
    assert set(source.tree("HEAD").files) == {"policies/a.yaml"}
    assert WorktreeSource(upstream.path).fetch() == source.last_known()
    with pytest.raises(SourceError):
        follow("ssh://127.0.0.1:1/x").fetch()
    assert not mark.exists()
    assert not list(tmp_path.glob("trace*"))


def test_no_program_named_by_a_work_tree_is_run(upstream, tmp_path):
    program, mark = _trap(tmp_path, "filter")
    upstream.commit("attributes", {".gitattributes": b"*.yaml diff=trap filter=trap\n"})
    for key in ("diff.trap.textconv", "diff.trap.command", "diff.external", "filter.trap.clean", "core.fsmonitor"):
        upstream.git("config", key, str(program))
    upstream.git("config", "log.showSignature", "true")
    upstream.git("config", "gpg.program", str(program))
    upstream.write({"policies/a.yaml": b"changed: 1\n"})
    source = WorktreeSource(upstream.path)
    assert source.dirty()
    assert source.tree("worktree").files != source.tree("HEAD").files
    assert source.line_commits("worktree", "policies/a.yaml") == ["worktree"]
    source.line_commits("HEAD", "policies/a.yaml")
    source.log("", "HEAD")
    source.changed_paths("HEAD", "worktree")
    assert not mark.exists()
    upstream.git("diff")
    assert mark.exists()  # the trap works


def test_replaced_objects_are_not_believed(upstream):
    real = upstream.git("rev-parse", "HEAD")
    fake = upstream.commit("fake", {"policies/fake.yaml": DOC})
    upstream.git("replace", real, fake)
    assert set(WorktreeSource(upstream.path).tree(real).files) == {"policies/a.yaml"}


def test_a_repository_of_another_user_that_was_named(upstream, follow):
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED, only root can give a repository to another user")
    for folder, _, names in os.walk(upstream.path):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            os.chown(path, 12345, 12345)
    sha = follow(upstream).fetch()
    assert follow(f"file://{upstream.path}").fetch() == sha == WorktreeSource(upstream.path).fetch()
    with pytest.raises(SourceError, match="belongs to another user"):
        WorktreeSource(upstream.path / "policies")


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path):
    git = GitCommand("source", tmp_path, 0.5)
    alias = "alias.hang=!sleep 987654 & sleep 987654"
    with pytest.raises(SourceError, match=r"git -c gave no answer in 0\.5 s"):
        git.run(["-c", alias, "hang"])
    assert _ends("987654")


def test_what_a_command_leaves_behind_is_ended(tmp_path):
    git = GitCommand("source", tmp_path, 5)
    answer = git.run(["-c", "alias.leave=!sleep 876543 >/dev/null 2>&1 & echo done", "leave"])
    assert answer.text == "done"
    assert _ends("876543")


def test_output_is_bounded(tmp_path):
    git = GitCommand("source", tmp_path, 20)
    with pytest.raises(SourceError, match="answers with more than 1 MiB"):
        git.run(["-c", "alias.much=!yes", "much"], limit=2**20)
    assert git.run(["-c", "alias.loud=!head -c 9000000 /dev/zero >&2; echo out", "loud"]).text == "out"


def test_without_git_it_says_so_and_a_plain_folder_still_works(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/a.yaml").write_bytes(DOC)
    script = (
        "import sys; from pathlib import Path; from reconciler.io.git import GitSource\n"
        "from reconciler.io.worktree import WorktreeSource\n"
        "print(sorted(WorktreeSource(sys.argv[1]).tree('worktree').files))\n"
        "try: GitSource('/x', mirror_folder=Path(sys.argv[1])).fetch()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(Path(command.__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "['policies/a.yaml']",
        "SourceError /x: git is not installed: install it, or name a folder without Git",
    ]


def _ends(word: str) -> bool:
    """Whether no process with that word is left; one that was killed takes a moment to go."""
    for _ in range(40):
        if not _running(word):
            return True
        time.sleep(0.05)
    return False


def _running(word: str) -> list[bytes]:
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes())
        except OSError:
            continue
    return [line for line in lines if word.encode() in line]
