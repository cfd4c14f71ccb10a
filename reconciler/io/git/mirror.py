"""A bare mirror of one ref of one remote: polled, fetched into, and built anew when it is damaged.

A folder of its own holds the repository, its lock and, after damage, the broken one. What a fetch brings is only
taken as the head when it is whole; heads that were replaced by a force-push are kept.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.io.git.command import GitCommand, Surroundings
from reconciler.io.git.errors import DamagedRepository, NotOffered, UnknownRevision, is_damage
from reconciler.io.git.lock import exclusive
from reconciler.io.git.refs import RefSpec, patterns
from reconciler.io.git.remote import Remote
from reconciler.io.git.repository import FULL_SHA, Repository
from reconciler.ports import SourceError

_HEAD = "refs/heads/reconciler"  # below refs/heads, since fsck asks that of what HEAD names
_INCOMING = "refs/reconciler/incoming"
_ALL = "refs/reconciler/all"
_EVERYTHING = (f"+refs/heads/*:{_ALL}/heads/*", f"+refs/tags/*:{_ALL}/tags/*")


class Mirror:
    """``home`` is the folder of its own; ``folder`` the place of the source inside the repository."""

    def __init__(self, remote: Remote, ref: RefSpec, home: Path, folder: str, timeout: float) -> None:
        self.name = remote.name
        self._remote, self._ref, self._home, self._folder, self._timeout = remote, ref, home, folder, timeout
        self.repository = Repository(self.name, home / "mirror.git", folder, timeout)
        self.branch = ref.branch  #: that is followed; of the remote's default branch known since the last poll

    def recorded(self) -> str | None:
        """The head as it is written down, whether or not its objects can be read."""
        if not self._path.is_dir():
            return None
        answer = self.repository.run("rev-parse", "--verify", "--quiet", _HEAD)
        return answer.text if answer.status == 0 else None

    def update(self) -> str:
        """Poll, and fetch if there is something new; the head's sha."""
        with self._writing():
            if not self._path.is_dir():
                return self._build()
            return self._healing(self._advance)

    def obtain(self, name: str) -> str:
        """The commit of another branch, tag or full sha of the remote, brought here. UnknownRevision if none."""
        with self._writing():
            return self._healing(lambda: self._obtain(name))

    def _obtain(self, name: str) -> str:
        if FULL_SHA.fullmatch(name):
            return self._bring_commit(self.repository, name)
        offer = self._remote.offer(*(f"refs/{kind}/{name}" for kind in ("heads", "tags")), f"refs/tags/{name}^{{}}")
        located = offer.locate(RefSpec(branch=name)) or offer.locate(RefSpec(tag=name))
        if located is None:
            raise UnknownRevision(f"{self.name}: there is no commit, branch or tag {name!r}")
        return self._bring(self.repository, located[0], _asked(name))

    def repair(self, damage: DamagedRepository, generation: int) -> None:
        """Build the mirror anew, unless another process has done so since ``generation``."""
        with self._writing():
            if self.generation() == generation:
                self._rebuild(damage)

    def generation(self) -> int:
        """Changes when the mirror is built anew; 0 while there is none."""
        return self._path.stat().st_ino if self._path.exists() else 0

    @property
    def _path(self) -> Path:
        return self.repository.git_folder

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with exclusive(self._home / "lock", self.name, self._timeout):
            try:
                _remove_leftovers(self._path)
                yield
            except OSError as cause:
                reason = f"{cause.strerror}: {cause.filename}"
                raise SourceError(f"{self.name}: cannot write the mirror: {reason}", retryable=True) from cause

    def _advance(self) -> str:
        head = self.repository.find(_HEAD)
        if head is None:
            raise DamagedRepository(f"{self.name}: the mirror {self._path} is damaged: its head cannot be read")
        if self._ref.commit:
            return head
        name, sha = self._offered()
        if sha == head:
            return head
        new = self._bring(self.repository, name, _INCOMING)
        self._accept(self.repository, new, head)
        self._tidy()
        return new

    def _offered(self) -> tuple[str, str]:
        offer = self._remote.offer(*patterns(self._ref))
        self.branch = self._ref.branch or ("" if self._ref.tag else offer.default.removeprefix("refs/heads/"))
        located = offer.locate(self._ref)
        if located is None:
            raise self._remote.offer().missing(self.name, self._ref)
        return located

    def _healing(self, action: Callable[[], str]) -> str:
        """Do it; where it fails over broken objects of ours, build the mirror anew and do it again."""
        try:
            return action()
        except DamagedRepository as found:
            damage = found
        except SourceError as cause:
            if not is_damage(str(cause)) or self._is_whole():
                raise
            damage = DamagedRepository(f"{self.name}: the mirror {self._path} is damaged. {cause}")
        self._rebuild(damage)
        return action()

    def _is_whole(self) -> bool:
        return self.repository.run("fsck", "--connectivity-only", "--no-dangling", "--no-progress").status == 0

    def _build(self) -> str:
        """Clone beside, then put it in its place; what lay there is set aside as ``mirror.broken.git``."""
        fresh = Repository(self.name, self._home / "mirror.new.git", self._folder, self._timeout)
        _remove(fresh.git_folder)
        try:
            head = self._clone(fresh)
        except SourceError:
            _remove(fresh.git_folder)
            raise
        if self._path.exists():
            broken = self._home / "mirror.broken.git"
            _remove(broken)
            self._path.rename(broken)
        fresh.git_folder.rename(self._path)
        return head

    def _clone(self, fresh: Repository) -> str:
        if self._ref.commit:
            known = self._remote.offer("HEAD").refs.values()
            _create(fresh, len(next(iter(known), self._ref.commit)))
            head = self._bring_commit(fresh, self._ref.commit)
        else:
            name, sha = self._offered()
            _create(fresh, len(sha))
            head = self._bring(fresh, name, _INCOMING)
        self._accept(fresh, head, None)
        return head

    def _rebuild(self, damage: DamagedRepository) -> None:
        try:
            self._build()
        except SourceError as cause:
            message = f"{damage}. It cannot be cloned anew either: {cause}"
            raise SourceError(message, retryable=cause.retryable) from cause

    def _bring(self, repository: Repository, remote_ref: str, into: str) -> str:
        self._remote.fetch(repository.git_folder, f"+{remote_ref}:{into}")
        sha = repository.find(into)
        if sha is None:
            raise SourceError(f"{self.name}: {remote_ref} is not a commit")
        return sha

    def _bring_commit(self, repository: Repository, commit: str) -> str:
        """A commit by its digits: asked for alone where the remote allows it, else among everything."""
        if FULL_SHA.fullmatch(commit):
            with suppress(NotOffered):
                return repository.find(commit) or self._bring(repository, commit, _asked(commit))
        self._remote.fetch(repository.git_folder, *_EVERYTHING, prune=True)
        sha = repository.find(commit)
        if sha is None or not sha.startswith(commit):
            raise UnknownRevision(f"{self.name}: there is no commit {commit!r} on any branch or tag")
        return sha

    def _accept(self, repository: Repository, new: str, old: str | None) -> None:
        """Make ``new`` the head. A head that it does not descend from is kept, so that it can be compared with."""
        if old is not None and not repository.shallow() and not repository.descends(old, new):
            repository.ask("keep the old head", "update-ref", f"refs/reconciler/kept/{old}", old)
        repository.ask("record the head", "update-ref", _HEAD, new)

    def _tidy(self) -> None:
        """Pack what many fetches left. Where that fails only space is lost, and a later fetch does it."""
        around = Surroundings((("gc.auto", "2000"),), (("GIT_DIR", str(self._path)),))
        with suppress(SourceError):
            GitCommand(self.name, self._path, self._timeout).run(["gc", "--auto", "--quiet"], around=around)


def _create(repository: Repository, digits: int) -> None:
    folder = repository.git_folder
    folder.mkdir(parents=True, mode=0o700)
    form = "sha256" if digits == 64 else "sha1"
    repository.ask("create the mirror", "init", "--bare", "--quiet", "--template=", f"--object-format={form}")
    repository.ask("create the mirror", "symbolic-ref", "HEAD", _HEAD)


def _asked(name: str) -> str:
    return f"refs/reconciler/asked/{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _remove_leftovers(mirror: Path) -> None:
    """Lock files and half packs of a Git that was killed; under our lock no other can be at work."""
    if mirror.is_dir():
        for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/??/tmp_obj_*"):
            for path in mirror.glob(pattern):
                path.unlink(missing_ok=True)
