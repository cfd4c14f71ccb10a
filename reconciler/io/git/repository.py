"""Questions to one repository on this disk: revisions, history and trees. Never touches the network or a work tree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from reconciler.io.git import commits, trees
from reconciler.io.git.command import Answer, GitCommand, Surroundings
from reconciler.io.git.documents import MAX_TOTAL, shown
from reconciler.io.git.errors import UnknownRevision, is_damage, local_failure
from reconciler.model.commits import Commit, SourceTree
from reconciler.ports import HiddenHistory, SourceError

FULL_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
#: what to do about a shallow clone
DEEPEN = (
    "fetch the whole history (git fetch --unshallow; fetch-depth: 0 where a checkout action clones, "
    'GIT_DEPTH: "0" in GitLab CI, clone: {depth: full} in Bitbucket Pipelines)'
)
_BLAME_HEAD = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?) \d+ \d+( \d+)?")
_BATCH_LIMIT = MAX_TOTAL + 64 * 1024 * 1024
_COMMITS_A_TIME = 5000


class Repository:
    """``git_folder`` is the repository itself (``.git`` or bare), ``folder`` the source's place in its trees."""

    def __init__(self, name: str, git_folder: Path, folder: str, timeout: float) -> None:
        self.name = name
        self.git_folder = git_folder
        self.folder = folder
        self._command = GitCommand(name, git_folder, timeout)
        self._around = Surroundings(variables=(("GIT_DIR", str(git_folder)),))
        self._identities: dict[str, str] = {}
        self._last: SourceTree | None = None

    def run(self, *arguments: str, stdin: bytes = b"", limit: int = 0) -> Answer:
        """A command whatever its status."""
        return self._command.run(arguments, stdin=stdin, around=self._around, limit=limit)

    def ask(self, doing: str, *arguments: str, stdin: bytes = b"", limit: int = 0) -> bytes:
        """The output of a command that must succeed; ``doing`` says in an error what could not be done."""
        answer = self.run(*arguments, stdin=stdin, limit=limit)
        if answer.status != 0:
            raise local_failure(self.name, doing, answer.err)
        return answer.out

    def find(self, revision: str) -> str | None:
        """Full sha of the commit that a revision names here; None when there is none. SourceError when what is
        written cannot be a revision."""
        check_revision(self.name, revision)
        answer = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if answer.status == 0 and FULL_SHA.fullmatch(answer.text):
            return answer.text
        if "ambiguous" in answer.err:
            raise UnknownRevision(f"{self.name}: revision {revision!r} is ambiguous: write more of it")
        if is_damage(answer.err):
            raise local_failure(self.name, f"look up {revision!r}", answer.err)
        return None

    def resolve(self, revision: str) -> str:
        sha = self.find(revision)
        if sha is None:
            cut = f" (the clone is shallow, its history is cut off: {DEEPEN})" if self.shallow() else ""
            raise UnknownRevision(f"{self.name}: there is no commit {revision!r}{cut}")
        return sha

    def shallow(self) -> bool:
        """Whether older history was cut off when the repository was cloned."""
        return self.ask("look at the history", "rev-parse", "--is-shallow-repository").strip() == b"true"

    def descends(self, ancestor: str, descendant: str) -> bool:
        """Whether ``ancestor`` is reachable from ``descendant``; one that a whole history does not hold is not."""
        head = self.resolve(descendant)
        base = self.find(ancestor)
        if base is not None and (base == head or self._is_ancestor(base, head)):
            return True
        if self.shallow():
            raise SourceError(
                f"{self.name}: the clone is shallow, so whether {head[:8]} descends from {ancestor[:8]} is not known: "
                "fetch the whole history (git fetch --unshallow, or fetch-depth: 0 in CI)"
            )
        return False

    def _is_ancestor(self, base: str, head: str) -> bool:
        answer = self.run("merge-base", "--is-ancestor", base, head)
        if answer.status not in (0, 1):
            raise local_failure(self.name, "compare histories", answer.err)
        return answer.status == 0

    def merge_base(self, one: str, other: str) -> str:
        """The newest commit that both descend from; "" when a whole history has none."""
        answer = self.run("merge-base", self.resolve(one), self.resolve(other))
        if answer.status == 0:
            return answer.text.split("\n")[0]
        if answer.status != 1:
            raise local_failure(self.name, "compare histories", answer.err)
        if self.shallow():
            raise HiddenHistory(
                f"{self.name}: the clone is shallow, so where {one[:12]} and {other[:12]} parted is not known: {DEEPEN}"
            )
        return ""

    def log(self, since: str, until: str) -> list[Commit]:
        """First-parent commits after ``since`` up to ``until``, newest first; all that are here if it is ""."""
        end = self.resolve(until)
        span = [end, f"^{self.resolve(since)}"] if since else [end]
        return self._commits("--first-parent", *span)

    def commit(self, revision: str) -> Commit:
        return self._commits("--no-walk", self.resolve(revision))[0]

    def _commits(self, *span: str) -> list[Commit]:
        out = self.ask("read the history", "log", "-z", *commits.FORMAT, *span, "--")
        found = commits.parse_log(out)
        signed: list[Commit] = []
        for at in range(0, len(found), _COMMITS_A_TIME):
            shas = [commit.sha for commit in found[at : at + _COMMITS_A_TIME]]
            signed += commits.with_signatures(found[at : at + _COMMITS_A_TIME], self.objects(shas))
        return signed

    def objects(self, oids: Sequence[str]) -> dict[str, bytes]:
        """Objects by id, in one batch. DamagedRepository when one is missing."""
        if not oids:
            return {}
        feed = "".join(f"{oid}\n" for oid in oids).encode()
        out = self.ask("read objects", "cat-file", "--batch", "--buffer", stdin=feed, limit=_BATCH_LIMIT)
        return trees.parse_batch(out, oids, self.name)

    def changed_paths(self, old: str, new: str) -> frozenset[str]:
        """Paths below the folder that differ between two commits, relative to it."""
        scope = ["--", self.folder] if self.folder else []
        ends = (self.resolve(old), self.resolve(new))
        out = self.ask("compare commits", "diff-tree", "-r", "-z", "--name-only", "--no-renames", *ends, *scope)
        strip = len(self.folder.encode()) + 1 if self.folder else 0
        return frozenset(shown(path[strip:]) for path in out.split(b"\0") if path)

    def line_commits(self, revision: str, path: str) -> list[str]:
        """Per line, the first-parent commit that last changed it; "" where a shallow clone hides it."""
        full = f"{self.folder}/{path}" if self.folder else path
        options = ("blame", "--porcelain", "--first-parent", "--no-textconv")
        out = self.ask(f"find who wrote {path}", *options, self.resolve(revision), "--", full)
        shas = parse_blame(out)
        cut = self._cut_commits()
        return ["" if sha in cut else sha for sha in shas]

    def _cut_commits(self) -> frozenset[str]:
        """Commits at the edge of a shallow clone: what they seem to add may be older."""
        where = self.ask("look at the history", "rev-parse", "--git-path", "shallow").decode().strip()
        path = self.git_folder / where
        return frozenset(path.read_text().split()) if path.is_file() else frozenset()

    def tree(self, revision: str) -> SourceTree:
        """The last one is kept: a commit does not become another."""
        if self._last is None or self._last.commit.sha != revision:
            sha = self.resolve(revision)
            self._last = self._last if self._last and self._last.commit.sha == sha else self._tree(sha)
        return self._last

    def _tree(self, sha: str) -> SourceTree:
        out = self.ask("list its files", *trees.arguments(sha, self.folder))
        listed = trees.parse_listing(out, self.folder)
        contents = self.objects(trees.wanted(listed, self.name))
        files, refused = trees.assemble(listed, contents)
        return SourceTree(self._commits("--no-walk", sha)[0], files, refused, self.identity(sha))

    def identity(self, sha: str) -> str:
        """Hash of the root commit of the first-parent line and the folder, so that it outlives merges of foreign
        histories; "" in a shallow clone, where the root is not known."""
        if sha not in self._identities:
            self._identities = {sha: self._identity(sha)}
        return self._identities[sha]

    def _identity(self, sha: str) -> str:
        if self.shallow():
            return ""
        root = self.ask("find its first commit", "rev-list", "--first-parent", "--max-parents=0", sha).strip()
        return hashlib.sha256(root + b"\0" + self.folder.encode()).hexdigest()[:32]


def check_revision(name: str, revision: str) -> None:
    """SourceError for what cannot name one commit, or could be taken for an option."""
    odd = not revision or revision.startswith("-") or ".." in revision or ":" in revision
    if odd or any(ord(character) < 33 or ord(character) == 127 for character in revision):
        raise UnknownRevision(f"{name}: {revision!r} does not name a commit")


def parse_blame(out: bytes) -> list[str]:
    """The sha of each line, from ``blame --porcelain``: a header, details, then the line after a tab."""
    shas: list[str] = []
    inside = False
    for line in out.split(b"\n"):
        match = None if inside else _BLAME_HEAD.fullmatch(line)
        if match:
            shas.append(match[1].decode())
            inside = True
        elif line.startswith(b"\t"):
            inside = False
    return shas
