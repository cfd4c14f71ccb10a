"""What a source follows, and what a remote offers: the answer of ``ls-remote``, read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.ports import SourceError

_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|/$|^[-/.]|^@$")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def valid_name(name: str) -> bool:
    """Whether a branch or tag can be called so; never true for what Git would take for an option or a pattern."""
    return bool(name) and not _BAD.search(name)


@dataclass(frozen=True, slots=True)
class RefSpec:
    """At most one of them; none is the default branch of the remote. ``commit`` has at least 7 hex digits."""

    branch: str = ""
    tag: str = ""
    commit: str = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.branch, self.tag, self.commit))) > 1:
            raise SourceError("a source follows one of branch, tag and commit, not several")
        for name in filter(None, (self.branch, self.tag)):
            if not valid_name(name):
                raise SourceError(f"{name!r} cannot be the name of a branch or tag")
        if self.commit and not _COMMIT.fullmatch(self.commit):
            raise SourceError(f"{self.commit!r} is not a commit: write at least 7 of its hexadecimal digits")

    @property
    def short(self) -> str:
        """The name by which a user may speak of it in a revision; "" for the default branch."""
        return self.branch or self.tag

    def __str__(self) -> str:
        kinds = (("branch", self.branch), ("tag", self.tag), ("commit", self.commit))
        return next((f"{kind} {name}" for kind, name in kinds if name), "the default branch")


@dataclass(frozen=True, slots=True)
class Offer:
    """``refs`` maps full ref names to object ids; ``default`` is the branch that the remote's HEAD names."""

    refs: Mapping[str, str]
    default: str = ""

    def locate(self, ref: RefSpec) -> tuple[str, str] | None:
        """(ref to ask for, id of its commit); None when it is not offered."""
        for name in self._candidates(ref):
            if name in self.refs:
                return name, self.refs.get(f"{name}^{{}}", self.refs[name])
        return None

    def _candidates(self, ref: RefSpec) -> tuple[str, ...]:
        if ref.branch:
            return (f"refs/heads/{ref.branch}",)
        if ref.tag:
            return (f"refs/tags/{ref.tag}",)
        return (self.default, "HEAD") if self.default else ("HEAD",)

    def missing(self, name: str, ref: RefSpec) -> SourceError:
        """Why a ref is not there, from an offer of everything."""
        if not self.refs:
            return SourceError(f"{name}: the repository is empty: push a commit with desired-state/ and policies/")
        prefix = "refs/tags/" if ref.tag else "refs/heads/"
        there = sorted(full.removeprefix(prefix) for full in self.refs if full.startswith(prefix) and full[-1] != "}")
        near = difflib.get_close_matches(ref.short, there, 3) or there[:5]
        known = f"; there are {', '.join(near)}" if near else "; there are none"
        if not ref.short:
            return SourceError(f"{name}: the remote's HEAD names no branch that exists: name a branch{known}")
        return SourceError(f"{name}: there is no {ref}{known}")


def patterns(ref: RefSpec) -> tuple[str, ...]:
    """What to ask ``ls-remote`` for, so that a poll of a large repository stays small."""
    if ref.branch:
        return (f"refs/heads/{ref.branch}",)
    if ref.tag:
        return (f"refs/tags/{ref.tag}", f"refs/tags/{ref.tag}^{{}}")
    return ("HEAD",)


def parse_offer(out: bytes) -> Offer:
    refs: dict[str, str] = {}
    default = ""
    for line in out.decode("utf-8", "replace").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            default = value.removeprefix("ref: ") if name == "HEAD" else default
        elif name:
            refs[name] = value
    return Offer(refs, default)
