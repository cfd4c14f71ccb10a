"""A folder on this disk as a Source: its files as they lie, and its history where it is in a Git repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from reconciler.io.git.command import GitCommand, Surroundings
from reconciler.io.git.errors import UnknownRevision
from reconciler.io.git.files import read_documents
from reconciler.io.git.location import safe_folder
from reconciler.io.git.repository import Repository
from reconciler.model.commits import Commit, SourceTree
from reconciler.ports import SourceError

WORKTREE = "worktree"
_NO_HISTORY = "it is a plain folder without Git, so it has no history"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a folder lies: its repository, the top of the work tree (None if bare), its path below that."""

    git_folder: Path
    top: Path | None
    prefix: str


class WorktreeSource:
    """``path`` (and ``folder`` in it) holds the two folders; implements ``reconciler.ports.Source``.

    The revision "worktree" is the files as they lie, uncommitted ones included; any other is asked of Git. In a bare
    repository, which has no files, "worktree" is HEAD. ``timeout`` is in seconds and bounds each Git command.
    """

    def __init__(self, path: str | Path, folder: str = "", *, timeout: float = 60.0) -> None:
        self._path = Path(path).expanduser().absolute()
        folder = safe_folder(folder)
        self._root = self._path / folder
        place = _find_repository(self._path, timeout)
        self._top = place.top if place else None
        self._repository: Repository | None = None
        if place:
            inside = "/".join(part for part in (place.prefix, folder) if part)
            self._repository = Repository(self.name, place.git_folder, inside, timeout)

    def __repr__(self) -> str:
        return f"WorktreeSource({self.name!r})"

    @property
    def name(self) -> str:
        return str(self._root)

    @property
    def root(self) -> Path:
        """The folder that holds the two folders."""
        return self._root

    @property
    def branch(self) -> str:
        """Files as they lie are of no branch."""
        return ""

    @property
    def folder(self) -> str:
        """Where that lies in the trees of its repository."""
        return self._repository.folder if self._repository else ""

    @property
    def has_git(self) -> bool:
        return self._repository is not None

    @property
    def bare(self) -> bool:
        return self._repository is not None and self._top is None

    @property
    def shallow(self) -> bool:
        """Whether older history is cut off, so that log and line_commits are incomplete."""
        return self._repository is not None and self._repository.shallow()

    def fetch(self) -> str:
        """The committed HEAD, or "worktree" for a plain folder. SourceError when nothing is committed yet."""
        if self._repository is None:
            return WORKTREE
        head = self._repository.find("HEAD")
        if head is None:
            raise SourceError(f"{self.name}: nothing is committed yet: commit first, or look at the files by validate")
        return head

    def last_known(self) -> str | None:
        return WORKTREE if self._repository is None else self._repository.find("HEAD")

    def dirty(self) -> bool:
        """Whether the documents as they lie differ from those of HEAD; False in a plain folder."""
        if self._repository is None or self.bare:
            return False
        lying = self.tree(WORKTREE)
        if self.last_known() is None:
            return bool(lying.files or lying.refused)
        head = self.tree("HEAD")
        return (lying.files, lying.refused) != (head.files, head.refused)

    def tree(self, revision: str) -> SourceTree:
        if revision != WORKTREE or self.bare:
            return self._history().tree("HEAD" if revision == WORKTREE else revision)
        files, refused = read_documents(self._root, self.name)
        head = self._repository.find("HEAD") if self._repository else None
        identity = self._repository.identity(head) if self._repository and head else ""
        return SourceTree(Commit(WORKTREE), files, refused, identity)

    def commit(self, revision: str) -> Commit:
        return Commit(WORKTREE) if self._lies(revision) else self._history().commit(self._committed(revision))

    def resolve(self, revision: str) -> str:
        return WORKTREE if self._lies(revision) else self._history().resolve(self._committed(revision))

    def descends(self, ancestor: str, descendant: str) -> bool:
        """As in Source; the files as they lie descend from HEAD, and nothing but themselves from them."""
        if ancestor == descendant or self._lies(ancestor):
            return ancestor == descendant
        return self._history().descends(ancestor, self._committed(descendant))

    def merge_base(self, one: str, other: str) -> str:
        """As in Source; the files as they lie go on from HEAD."""
        return self._history().merge_base(self._committed(one), self._committed(other))

    def log(self, since: str, until: str) -> Sequence[Commit]:
        """As in Source; a plain folder has no commits."""
        if self._repository is None:
            return ()
        return self._repository.log(self._committed(since), self._committed(until))

    def changed_paths(self, old: str, new: str) -> frozenset[str]:
        """As in Source; where one side is the files as they lie, the documents that differ."""
        if not self._lies(old) and not self._lies(new):
            return self._history().changed_paths(self._committed(old), self._committed(new))
        before, after = self._files_at(old), self._files_at(new)
        return frozenset(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))

    def line_commits(self, revision: str, path: str) -> Sequence[str]:
        """As in Source; "worktree" for a line that is not committed, "" for one that a shallow clone hides."""
        if not self._lies(revision):
            return self._history().line_commits(self._committed(revision), path)
        lines = self._lines(WORKTREE, path)
        if self._repository is None or path not in self._files_at_head():
            return [WORKTREE] * len(lines)
        shas = self._repository.line_commits("HEAD", path)
        found = [WORKTREE] * len(lines)
        for block in SequenceMatcher(None, self._lines("HEAD", path), lines).get_matching_blocks():
            found[block.b : block.b + block.size] = shas[block.a : block.a + block.size]
        return found

    def _lines(self, revision: str, path: str) -> list[bytes]:
        content = self._files_at(revision).get(path)
        if content is None:
            raise SourceError(f"{self.name}: there is no document {path}")
        return content.removesuffix(b"\n").split(b"\n") if content else []

    def _files_at_head(self) -> Mapping[str, bytes]:
        return self._files_at("HEAD") if self.last_known() else {}

    def _lies(self, revision: str) -> bool:
        return revision == WORKTREE and not self.bare

    def _committed(self, revision: str) -> str:
        return "HEAD" if revision == WORKTREE else revision

    def _files_at(self, revision: str) -> Mapping[str, bytes]:
        return self.tree(revision).files

    def _history(self) -> Repository:
        if self._repository is None:
            raise UnknownRevision(f"{self.name}: {_NO_HISTORY}")
        return self._repository


def _find_repository(path: Path, timeout: float) -> _Place | None:
    """The repository that a folder lies in; None for a plain folder. SourceError when Git refuses to look."""
    if not _may_have_git(path):
        return None  # so that a plain folder needs no Git
    real = path.resolve()
    owned = tuple(("safe.directory", str(place)) for place in (real, real / ".git"))
    git = GitCommand(str(path), path, timeout)
    around = Surroundings(owned)
    answer = git.run(["rev-parse", "--is-bare-repository", "--absolute-git-dir", "--show-prefix"], around=around)
    if answer.status != 0:
        _explain(path, answer.err)
        return None
    bare, git_folder, prefix = (answer.out.decode("utf-8", "surrogateescape").split("\n") + [""] * 3)[:3]
    if bare == "true":
        return _Place(Path(git_folder), None, "")
    top = git.run(["rev-parse", "--show-toplevel"], around=around)
    if top.status != 0:
        raise SourceError(f"{path}: cannot use this repository. Git says: {top.err}")
    return _Place(Path(git_folder), Path(top.text), prefix.rstrip("/"))


def _may_have_git(path: Path) -> bool:
    try:
        if not path.is_dir():
            raise SourceError(f"{path}: there is no such folder")
        folders = (path, *path.resolve().parents)
        return any((folder / ".git").exists() or (folder / "HEAD").is_file() for folder in folders)
    except OSError as cause:
        raise SourceError(f"{path}: cannot look into it: {cause.strerror}") from cause


def _explain(path: Path, words: str) -> None:
    """SourceError unless Git's refusal means that there is no repository."""
    if "dubious ownership" in words:
        raise SourceError(
            f"{path}: it lies in a repository that belongs to another user, so its settings are not trusted: name the "
            "top folder of that repository (and the folder in it), or run as its owner"
        )
    broken = [folder for folder in (path, *path.resolve().parents) if (folder / ".git").exists()]
    if broken:
        raise SourceError(
            f"{path}: the repository {broken[0]} cannot be used: mend it or remove its .git. Git says: {words}"
        )
    if "not a git repository" not in words.lower():
        raise SourceError(f"{path}: cannot use this repository. Git says: {words}")
