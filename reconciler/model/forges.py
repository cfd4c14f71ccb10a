"""What a forge knows (GitHub, GitLab, Gitea, Bitbucket: a host of repositories with reviews): pull requests, comments,
statuses of commits, issues; and what it tells of its own accord."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PullRequest:
    """``head`` and ``base`` are full commit hashes (``base``: the head of the target branch when the forge was asked).

    ``merged_as``: the commit by which it came into the target branch (merge, squash or last rebased one), "" when it
    is not merged. ``foreign``: its branch lies in another repository. ``url`` is its page, for people.
    """

    number: int
    title: str
    author: str
    head: str
    base: str
    source_branch: str
    target_branch: str
    url: str
    open: bool = True
    merged_as: str = ""
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """``author`` in the words of ``Forge.account``. ``version``: what some forges want to be told with a change."""

    id: str
    author: str
    body: str
    version: str = ""


class StatusState(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"  # what was looked at is wrong
    ERROR = "error"  # it could not be looked at


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """``context`` names the check: ``reconciler/plan``. ``description`` is cut to what the forge takes."""

    context: str
    state: StatusState
    description: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """An entry of the forge's tracker. ``id`` is what changes it, ``url`` its page."""

    id: str
    title: str
    body: str
    author: str
    open: bool = True
    url: str = ""


class Told(StrEnum):
    """What a delivery is about."""

    PUSH = "push"
    PULL_REQUEST = "pull-request"
    PING = "ping"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook whose signature was right. ``id`` names the delivery ("" where the forge gives none). ``repository``
    is the full name (``group/name``). Of a push, ``branch`` (without ``refs/heads/``) is what it moved to ``head``, ""
    when it was removed. Of a pull request, ``branch`` is its target, ``head`` its own newest commit as far as the forge
    tells it in full, ``number`` its number; ``open`` is false once it was merged or closed."""

    id: str
    told: Told
    repository: str = ""
    branch: str = ""
    head: str = ""
    number: int = 0
    open: bool = True
