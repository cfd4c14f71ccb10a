"""Commits as Git tells them: people, times, message, trailers, and who signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from reconciler.io.git.signatures import describe
from reconciler.model.commits import Commit

#: fields end with NUL, a record with two: no field but the last can hold one
_FIELDS = ("%H", "%an <%ae>", "%ad", "%cn <%ce>", "%cd", "%B", "%(trailers:only,unfold)")
FORMAT = ["--date=raw", "--no-notes", "--no-show-signature", "--encoding=UTF-8", "--format=" + "%x00".join(_FIELDS)]


def parse_log(out: bytes) -> list[Commit]:
    """Commits of a ``log -z`` with ``FORMAT``, without their signatures."""
    fields = out.decode("utf-8", "replace").split("\0")
    width = len(_FIELDS)
    return [_commit(fields[at : at + width]) for at in range(0, len(fields) - width + 1, width)]


def with_signatures(found: Iterable[Commit], raw: Mapping[str, bytes]) -> list[Commit]:
    """``raw`` holds the commit objects by sha."""
    return [replace(commit, signature=describe(signature_of(raw[commit.sha]))) for commit in found]


def signature_of(raw: bytes) -> str:
    """The signature in the headers of a commit object, "" when there is none."""
    lines: list[str] = []
    inside = False
    for line in raw.split(b"\n\n", 1)[0].split(b"\n"):
        if inside and line.startswith(b" "):
            lines.append(line[1:].decode("utf-8", "replace"))
        else:
            inside = line.startswith((b"gpgsig ", b"gpgsig-sha256 ")) and not lines
            if inside:
                lines.append(line.split(b" ", 1)[1].decode("utf-8", "replace"))
    return "\n".join(lines)


def parse_trailers(text: str) -> dict[str, tuple[str, ...]]:
    """Unfolded ``Key: value`` lines; keys in lower case, values in order."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip():
            name = key.strip().lower()
            found[name] = (*found.get(name, ()), value.strip())
    return found


def _commit(record: list[str]) -> Commit:
    sha, author, authored, committer, committed, message, trailers = record
    return Commit(
        sha=sha.strip(),
        author=author,
        author_time=_time(authored),
        committer=committer,
        commit_time=_time(committed),
        message=message.rstrip("\n"),
        trailers=parse_trailers(trailers),
    )


def _time(raw: str) -> datetime | None:
    """``seconds +hhmm``; None where the commit holds no time that exists."""
    seconds, _, zone = raw.partition(" ")
    try:
        offset = timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[3:5]))
        return datetime.fromtimestamp(int(seconds), UTC).astimezone(timezone(offset))
    except (ValueError, OverflowError, OSError, IndexError):
        return None
