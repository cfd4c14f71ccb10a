"""How a source proves who it is: where secrets are read from, and what Git and SSH are told.

A secret reaches Git by the environment only, never by an argument, a file of ours or the configuration of the mirror;
over HTTP by a credential helper that Git asks for the source's own scheme, host and port and for no other.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from reconciler.io.git.command import Surroundings
from reconciler.io.git.location import Location
from reconciler.ports import SourceError

_USER, _PASSWORD = "RECONCILER_SOURCE_USERNAME", "RECONCILER_SOURCE_PASSWORD"
_HELPER = f"""!f() {{ test "$1" = get && printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_PASSWORD}"; }}; f"""
_LONGEST_SECRET = 64 * 1024


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is: an environment variable or a file, read anew at each use, so that it can be rotated."""

    variable: str = ""
    file: Path | None = None
    value: str = field(default="", repr=False)

    def read(self, name: str) -> str:
        """The secret without its final line end. SourceError, naming the source ``name`` and the place."""
        if self.value:
            return self.value
        text = self._from_file(name) if self.file else os.environ.get(self.variable, "")
        text = text.rstrip("\r\n")
        if not text:
            raise SourceError(f"{name}: the credential in {self.place} is empty or not set")
        if any(ord(character) < 32 for character in text):
            raise SourceError(f"{name}: the credential in {self.place} has more than one line or control characters")
        return text

    @property
    def place(self) -> str:
        return f"file {self.file}" if self.file else f"environment variable {self.variable!r}"

    def _from_file(self, name: str) -> str:
        assert self.file is not None
        try:
            with self.file.open("rb") as opened:
                return opened.read(_LONGEST_SECRET).decode()
        except (OSError, UnicodeDecodeError) as cause:
            reason = cause.strerror if isinstance(cause, OSError) else "not text"
            raise SourceError(f"{name}: cannot read the credential in {self.place}: {reason}") from cause


@dataclass(frozen=True, slots=True)
class Credentials:
    """``password`` is the password or token for HTTP; with a token most forges take any ``username``. ``ssh_key``
    and ``known_hosts`` are files for SSH; without them the user's own SSH configuration holds. ``ca_file`` is the
    certificate of the authority that HTTPS hosts are checked with."""

    username: str | Secret = ""
    password: Secret | None = None
    ssh_key: Path | None = None
    known_hosts: Path | None = None
    ca_file: Path | None = None


def surroundings(location: Location, credentials: Credentials | None, timeout: float, home: Path) -> Surroundings:
    """What Git is told for a remote command. Secrets are read now; SourceError when one cannot be."""
    given = credentials or Credentials()
    _check_files(location.url, given)
    if location.scheme == "ssh":
        return Surroundings(variables=(("GIT_SSH_VARIANT", "ssh"), ("GIT_SSH_COMMAND", ssh_command(given, timeout))))
    if location.scheme in ("http", "https"):
        return _for_http(location, given, home)
    return Surroundings()


def ssh_command(credentials: Credentials, timeout: float) -> str:
    """The ssh command line: no prompt, no shared connection, no unknown host."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "ControlMaster": "no",
        "ControlPath": "none",
        "ForwardAgent": "no",
        "ConnectTimeout": str(max(1, int(timeout))),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "2",
        "LogLevel": "ERROR",
    }
    words = ["ssh"]
    if credentials.ssh_key:
        words += ["-F", "/dev/null"]
        options |= {"IdentitiesOnly": "yes", "IdentityAgent": "none", "IdentityFile": _quoted(credentials.ssh_key)}
        options |= {"PreferredAuthentications": "publickey"}
    if credentials.known_hosts:
        options |= {"UserKnownHostsFile": _quoted(credentials.known_hosts), "GlobalKnownHostsFile": "/dev/null"}
    words += [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return shlex.join(words)


def _quoted(path: Path) -> str:
    text = str(path.expanduser().absolute())
    if '"' in text or any(ord(character) < 32 for character in text):
        raise SourceError(f"the path {text!r} cannot be given to ssh: it holds quotes or control characters")
    return '"' + text.replace("%", "%%") + '"'


def _check_files(name: str, given: Credentials) -> None:
    for what, path in (("SSH key", given.ssh_key), ("known hosts", given.known_hosts), ("CA", given.ca_file)):
        if path is not None and not os.access(path.expanduser(), os.R_OK):
            raise SourceError(f"{name}: the {what} file {path} is not there or cannot be read")


def _for_http(location: Location, given: Credentials, home: Path) -> Surroundings:
    username, password = _username_and_password(location, given)
    variables: list[tuple[str, str]] = []
    settings: list[tuple[str, str]] = []
    if given.ca_file:
        variables.append(("GIT_SSL_CAINFO", str(given.ca_file.expanduser().absolute())))
    if not password:
        return Surroundings(tuple(settings), tuple(variables))
    settings += [("http.followRedirects", "false"), (f"credential.{location.origin}.helper", _HELPER)]
    variables += [(_USER, username), (_PASSWORD, password), ("HOME", str(home))]  # HOME: no ~/.netrc beside it
    secrets = {password, quote(password, safe="")}
    return Surroundings(tuple(settings), tuple(variables), tuple(sorted(secrets)))


def _username_and_password(location: Location, given: Credentials) -> tuple[str, str]:
    written = given.username.read(location.url) if isinstance(given.username, Secret) else given.username
    password = given.password.read(location.url) if given.password else location.password
    if not password and location.username:  # https://TOKEN@host: a token in the place of the user
        return "x-access-token", location.username
    return written or location.username or "x-access-token", password
