"""What Git says on stderr, made into a SourceError that names the source, says what to do, and holds no secret."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.ports import SourceError

_LONGEST = 600
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class DamagedRepository(SourceError):
    """Objects that a repository should hold are missing or unreadable."""


class NotOffered(SourceError):
    """The remote does not give out what was asked of it: it is broken, the ref has just moved, or never was."""


class UnknownRevision(SourceError):
    """The repository has no such commit."""


#: (what Git says, whether a later try can help, what to do); the first that matches holds
_CAUSES: tuple[tuple[re.Pattern[str], bool, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), retryable, hint)
    for pattern, retryable, hint in (
        (
            r"unable to update url base from redirection|requested URL returned error: 30\d",
            False,
            "it redirects elsewhere, and a credential is never sent along: configure the address it redirects to",
        ),
        (r"no space left on device|disk quota exceeded", True, "the disk of the state folder is full: free some space"),
        (
            r"host key verification failed|host key is known for|no matching host key",
            False,
            "the host key is not trusted: add it to the known hosts file (ssh-keyscan HOST, then compare it)",
        ),
        (
            r"unprotected private key|bad permissions|error in libcrypto|invalid format|load key .* no such file",
            False,
            "the SSH key cannot be used: check the file and make it readable by its owner alone (chmod 600)",
        ),
        (
            r"authentication failed|could not read (username|password)|terminal prompts disabled|permission denied \("
            r"|returned error: 40[13]|access denied|too many authentication failures|invalid credentials",
            False,
            "access refused: check the credential of this source and that it may read the repository",
        ),
        (
            r"(ssl|tls) certificate|certificate verif|unable to get local issuer|server certificate|self.signed",
            False,
            "its certificate is not trusted: configure the certificate of its authority (ca_file)",
        ),
        (
            r"repository .* not found|returned error: 404|does not appear to be a git repository|not found in upstream"
            r"|no such file or directory|could not be found",
            False,
            "there is no repository, or this credential may not see it: check the address",
        ),
        (r"transport '.*' not allowed|unable to find remote helper", False, "this protocol is not allowed"),
        (
            r"unable to create '.*': (permission denied|read-only)|(permission denied|read-only file system)$",
            False,
            "the state folder cannot be written",
        ),
        (
            r"could not resolve|connection refused|connection timed out|failed to connect|couldn't connect"
            r"|network is unreachable|no route to host|operation timed out|connection reset|closed by remote"
            r"|returned error: (429|5\d\d)|empty reply",
            True,
            "the host cannot be reached or does not serve now; it is tried again",
        ),
    )
)

_DAMAGE = re.compile(
    r"bad object|unable to read|object file .* is empty|packfile .* (cannot|far too|index|size|does not|claims)"
    r"|corrupt|inflate|index file .* (is too small|overlaps)|wrong index|not a git repository"
    r"|missing (blob|tree|commit)"
    r"|could not (parse|get) (commit|object)|unable to parse commit|garbage at end|unable to unpack|bad tree object"
    r"|unable to find all commit-graph|failed to traverse|could not read [0-9a-f]{40}|invalid object"
    r"|missing object|failed to read (object|delta)|not a valid object|has invalid|bad config"
    r"|not a tree object|not a GIT packfile|broken link|unresolved delta",
    re.IGNORECASE,
)


_NOT_OFFERED = re.compile(r"couldn't find remote ref|not our ref|unadvertised object", re.IGNORECASE)


def clean(text: str, secrets: Sequence[str] = ()) -> str:
    """One line for people: no secret, no userinfo of an URL, no control characters, of bounded length."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***") if secret else text
    text = _ESCAPES.sub("", _USERINFO.sub("***@", text))
    line = "; ".join(part.strip() for part in text.splitlines() if part.strip())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + " …"


def refusal(name: str, doing: str, words: str) -> SourceError:
    """A remote command that failed: ``words`` is cleaned stderr, ``doing`` as in "list its branches"."""
    for pattern, retryable, hint in _CAUSES:
        if pattern.search(words):
            return SourceError(f"{name}: cannot {doing}: {hint}. Git says: {words}", retryable=retryable)
    if _NOT_OFFERED.search(words):
        message = f"{name}: cannot {doing}: the remote does not give out what it offers. Git says: {words}"
        return NotOffered(message, retryable=True)
    return SourceError(f"{name}: cannot {doing}. Git says: {words or 'nothing'}", retryable=True)


def is_damage(words: str) -> bool:
    """Whether stderr of a local command tells of a repository that is broken, not of a wrong question."""
    return bool(_DAMAGE.search(words))


def local_failure(name: str, doing: str, words: str) -> SourceError:
    """A command on a local repository that failed."""
    if is_damage(words):
        return DamagedRepository(f"{name}: the repository is damaged, cannot {doing}. Git says: {words}")
    return SourceError(f"{name}: cannot {doing}. Git says: {words or 'nothing'}")
