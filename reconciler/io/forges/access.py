"""With what a forge is asked: tokens from the environment or a file, and how each forge wants them in a request."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.io.git.credentials import Secret
from reconciler.ports import SourceError
from reconciler.ports.forge import ForgeForbidden


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App: its id (or client id) and its private key as PEM. The installation is found by the repository."""

    id: str
    key: Secret


@dataclass(frozen=True, slots=True)
class Access:
    """``token`` is read anew for every request, so that a file of it can be rotated. With a ``username`` the two are
    sent as Basic credentials (Bitbucket). ``job_token``: the token is that of a GitLab CI job. ``ca_file`` holds the
    authority that HTTPS hosts are checked with, ``timeout`` is for one request, in seconds."""

    token: Secret | None = None
    username: str = ""
    job_token: bool = False
    app: App | None = None
    ca_file: Path | None = None
    timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class Proof:
    """Headers that say who asks; and the secrets in them, which no message may hold."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


#: Called before each request; with True when the last proof was refused, so that a remembered one is not given again.
Prove = Callable[[bool], Awaitable[Proof]]


def secret(held: Secret, name: str) -> str:
    """What is in the variable or file now. ForgeForbidden, naming the place, when it is empty or cannot be read."""
    try:
        return held.read(name)
    except SourceError as error:
        raise ForgeForbidden(str(error)) from error


def proof_by(access: Access, name: str, header: str, form: str = "{}") -> Prove:
    """Proves by the token in a header, in the given form; by Basic credentials where a username is given. Without a
    token nothing is proved: public repositories can be read so."""

    async def prove(_refused: bool) -> Proof:
        if access.token is None:
            return Proof()
        token = secret(access.token, name)
        if not access.username:
            return Proof({header: form.format(token)}, (token,))
        pair = base64.b64encode(f"{access.username}:{token}".encode()).decode()
        return Proof({"Authorization": f"Basic {pair}"}, (token, pair))

    return prove
