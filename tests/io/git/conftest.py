"""Real repositories to fetch from, and a source on them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.git import GitSource

POLICY = b"apiVersion: reconciler.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: a}\nspec: {to: [a.shop]}\n"
_CLEAN = {
    "HOME": "/nonexistent",
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Carl",
    "GIT_COMMITTER_EMAIL": "carl@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0130",
    "GIT_COMMITTER_DATE": "1700000100 -0500",
}


class Upstream:
    """A repository with a work tree, written by the git program itself."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str, stdin: bytes = b"", **environment: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=_CLEAN | environment, input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, files: Mapping[str | bytes, bytes]) -> None:
        for name, content in files.items():
            path = Path(os.fsdecode(os.path.join(os.fsencode(self.path), os.fsencode(name))))  # noqa: PTH118
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def commit(self, message: str = "a change", files: Mapping[str | bytes, bytes] | None = None, **env: str) -> str:
        self.write(files or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-F", "-", stdin=message.encode(), **env)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def make_upstream(tmp_path: Path) -> Callable[..., Upstream]:
    def make(name: str = "upstream", *options: str) -> Upstream:
        return Upstream(tmp_path / name, *options)

    return make


@pytest.fixture
def upstream(make_upstream: Callable[..., Upstream]) -> Upstream:
    """One commit with one policy."""
    made = make_upstream()
    made.commit("first", {"policies/a.yaml": POLICY})
    return made


@pytest.fixture
def mirrors(tmp_path: Path) -> Path:
    return tmp_path / "state" / "mirrors"


@pytest.fixture
def follow(mirrors: Path) -> Callable[..., GitSource]:
    """A source on an address, with its mirror in the test's own folder."""

    def made(address: Any, **options: Any) -> GitSource:
        address = address.path if isinstance(address, Upstream) else address
        return GitSource(address, mirror_folder=mirrors, **({"timeout": 20.0} | options))

    return made
