"""Where a repository is on which forge: from the address that Git uses, and what the user says beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlsplit

from reconciler.ports.forge import ForgeError


class Kind(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"  # and Forgejo
    BITBUCKET_CLOUD = "bitbucket-cloud"
    BITBUCKET_DATA_CENTER = "bitbucket-data-center"


#: By host, or by its first label where somebody runs one of their own.
_HOSTS = {
    "github.com": Kind.GITHUB,
    "gitlab.com": Kind.GITLAB,
    "bitbucket.org": Kind.BITBUCKET_CLOUD,
    "codeberg.org": Kind.GITEA,
    "gitea.com": Kind.GITEA,
}
_LABELS = {
    "github": Kind.GITHUB,
    "gitlab": Kind.GITLAB,
    "gitea": Kind.GITEA,
    "forgejo": Kind.GITEA,
    "bitbucket": Kind.BITBUCKET_DATA_CENTER,
}
_SSH_HOSTS = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
_SCP = re.compile(r"^(?:[^@:/]+@)?(?P<host>[^@:/]+):(?!//)(?P<path>.+)$")


@dataclass(frozen=True, slots=True)
class Place:
    """``web`` is the address of the forge's pages without a final slash, ``api`` that of its interface. ``group`` and
    ``repository`` are the full name's parts; a group of GitLab may have several levels."""

    kind: Kind
    web: str
    api: str
    group: str
    repository: str

    @property
    def full_name(self) -> str:
        return f"{self.group}/{self.repository}"

    @property
    def name(self) -> str:
        """For people."""
        return f"{urlsplit(self.web).netloc}{urlsplit(self.web).path}/{self.full_name}"


def place_of(repository: str, kind: str = "", url: str = "") -> Place:
    """Read ``https://``, ``http://``, ``ssh://`` or ``user@host:path``. ``url`` is the address of the forge where it
    is not the host of the repository; ``kind`` is needed where neither tells it. ForgeError when they do not fit; its
    message holds no user part."""
    host, path, web = _parts(repository)
    if url:
        web = _web(url)
        prefix = urlsplit(web).path.strip("/")
        if prefix and path.startswith(f"{prefix}/"):
            path = path.removeprefix(f"{prefix}/")
        host = urlsplit(web).hostname or ""
    found = _kind(kind, host)
    if found is Kind.BITBUCKET_DATA_CENTER:
        before, scm, after = f"/{path}".rpartition("/scm/")
        path, web = (after, web if url else f"{web}{before}") if scm else (path, web)
    group, _, name = path.removesuffix(".git").rpartition("/")
    if not group or not name or (found is not Kind.GITLAB and "/" in group):
        raise ForgeError(f"{host}: the address of the repository does not end in its group and name")
    return Place(found, web, _api(found, web), group, name)


def quoted(text: str) -> str:
    """One part of a path."""
    return quote(text, safe="")


def file_path(path: str) -> str:
    return quote(path.strip("/"))


def _parts(repository: str) -> tuple[str, str, str]:
    """Host, path without slashes around it, and the address of the pages if they are where Git is."""
    if "://" not in repository:
        if (match := _SCP.match(repository)) is None:
            raise ForgeError("a path is on no forge: give the repository as https://…, ssh://… or user@host:path")
        host = _SSH_HOSTS.get(match["host"].lower(), match["host"].lower())
        return host, match["path"].strip("/"), f"https://{host}"
    try:
        parts = urlsplit(repository)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise ForgeError("the URL of the repository is not valid: check its host and port") from error
    if parts.scheme not in ("https", "http", "ssh") or not host:
        raise ForgeError("the URL of the repository must be https://, http:// or ssh:// with a host")
    if parts.scheme == "ssh":
        host = _SSH_HOSTS.get(host, host)
        return host, parts.path.strip("/"), f"https://{host}"
    return host, parts.path.strip("/"), f"{parts.scheme}://{_netloc(host, port)}"


def _netloc(host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown


def _web(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query:
        raise ForgeError("the address of the forge must be https://HOST or http://HOST, without user and query")
    return f"{parts.scheme}://{_netloc(parts.hostname, parts.port)}{parts.path.rstrip('/')}"


def _kind(said: str, host: str) -> Kind:
    if said:
        try:
            return Kind({"forgejo": "gitea"}.get(said, said))
        except ValueError:
            raise ForgeError(f"{said!r} is no kind of forge: {', '.join(Kind)}") from None
    labels = host.split(".")
    found = _HOSTS.get(host) or (Kind.GITHUB if host.endswith(".ghe.com") else _LABELS.get(labels[0]))
    if found is None:
        raise ForgeError(f"{host}: which kind of forge this is must be said: {', '.join(Kind)}")
    return found


def _api(kind: Kind, web: str) -> str:
    scheme, _, rest = web.partition("://")
    if kind is Kind.GITHUB:
        own = rest == "github.com" or rest.endswith(".ghe.com")
        return f"{scheme}://api.{rest}" if own else f"{web}/api/v3"
    if kind is Kind.BITBUCKET_CLOUD:
        return "https://api.bitbucket.org/2.0" if rest == "bitbucket.org" else f"{web}/2.0"
    return web + {Kind.GITLAB: "/api/v4", Kind.GITEA: "/api/v1"}.get(kind, "/rest/api/latest")
