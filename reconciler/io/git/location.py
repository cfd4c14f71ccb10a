"""Where a source is: an URL or path as a user wrote it, made safe to hand to Git and free of credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.ports import SourceError

_SCHEMES = ("https", "http", "ssh", "file", "git")
_SCP = re.compile(r"^(?:(?P<user>[^@:/]+)@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^@:/\[\]]+):(?P<path>.+)$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Location:
    """``url`` is what Git gets, and how reports call the source; it holds no credential. ``origin`` is
    ``scheme://host[:port]`` for HTTP. ``folder`` is set for a local repository. ``username`` and ``password`` were
    in the URL."""

    url: str
    scheme: str
    origin: str = ""
    folder: Path | None = None
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def locate(written: str | Path) -> Location:
    """Read an address: ``https://``, ``http://``, ``ssh://``, ``git://``, ``file://``, ``user@host:path`` or a path.

    SourceError for anything else; its message never holds the address, which may hold a password.
    """
    text = str(written)
    if not text or text.startswith("-") or _CONTROL.search(text):
        raise SourceError("the address of the source is empty, begins with '-' or holds control characters")
    if re.match(r"^[A-Za-z0-9+.-]*::", text):
        raise SourceError(f"the address of the source names a remote helper; allowed are {', '.join(_SCHEMES)}")
    if "://" in text:
        return _from_url(text)
    if not isinstance(written, Path) and _is_scp(text):
        return _from_scp(text)
    return _from_path(Path(text))


def safe_folder(folder: str) -> str:
    """A folder inside a repository, without leading or trailing slashes; "" is its top. SourceError when outside."""
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts or _CONTROL.search(folder):
        raise SourceError(f"the folder {folder!r} of the source must be a relative path inside the repository")
    return "" if path == PurePosixPath(".") else str(path)


def _from_url(text: str) -> Location:
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError as cause:
        raise SourceError("the URL of the source is not valid: check its host and port") from cause
    if parts.scheme not in _SCHEMES:
        raise SourceError(f"the scheme of the source's URL is not allowed; allowed are {', '.join(_SCHEMES)}")
    if parts.scheme == "file":
        return _from_file_url(parts)
    if not host or host.startswith("-") or parts.path.startswith("/-"):
        raise SourceError("the URL of the source has no host, or one that begins with '-'")
    if parts.query or parts.fragment:
        raise SourceError("the URL of the source has a query or fragment: give credentials by variable or file")
    return _from_network_url(parts)


def _from_network_url(parts: SplitResult) -> Location:
    userinfo, _, hostport = parts.netloc.rpartition("@")
    username, _, password = userinfo.partition(":")
    if parts.scheme == "ssh":
        netloc = f"{username}@{hostport}" if username else hostport
        if username.startswith("-"):
            raise SourceError("the user in the URL of the source begins with '-'")
        return Location(parts._replace(netloc=netloc).geturl(), "ssh")
    url = parts._replace(netloc=hostport).geturl()
    origin = f"{parts.scheme}://{hostport}"
    return Location(url, parts.scheme, origin, username=unquote(username), password=unquote(password))


def _from_file_url(parts: SplitResult) -> Location:
    if parts.netloc not in ("", "localhost"):
        raise SourceError("a file:// URL names a path on this machine: file:///PATH")
    return Location(parts._replace(netloc="", query="", fragment="").geturl(), "file", folder=Path(unquote(parts.path)))


def _is_scp(text: str) -> bool:
    head = text.split("/", 1)[0]
    return ":" in head and not Path(text).exists()


def _from_scp(text: str) -> Location:
    match = _SCP.match(text)
    if match is None or "@" in match["path"].split("/", 1)[0]:
        raise SourceError("the address of the source is not of the form user@host:path, and no password fits into it")
    if match["host"].startswith("-") or match["path"].startswith("-") or (match["user"] or "").startswith("-"):
        raise SourceError("the user, host or path of the source begins with '-'")
    return Location(text, "ssh")


def _from_path(path: Path) -> Location:
    folder = path.expanduser().absolute()
    return Location(str(folder), "file", folder=folder)
