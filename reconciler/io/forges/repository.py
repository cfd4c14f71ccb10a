"""What the repositories of all forges have in common: their place, their session, and the sizes that they keep to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reconciler.io.forges.http import Http
from reconciler.io.forges.place import Place
from reconciler.ports.forge import ForgeForbidden, ForgeRejected, ForgeUnreachable

Shape = TypeVar("Shape")

LONGEST_TITLE = 255  # of an issue; the shortest of all forges


class Repository:
    #: UTF-8 bytes, at most what the forge counts in characters
    largest_comment: int = 0
    #: whether ``<details>`` folds there
    folds: bool = True
    #: characters of what a commit status says
    longest_description: int = 255

    def __init__(self, place: Place, http: Http) -> None:
        self._place = place
        self._http = http

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    @property
    def name(self) -> str:
        return self._place.name

    async def close(self) -> None:
        await self._http.close()

    async def _who(self, key: str) -> str:
        """Our name there; "" where the token is good, but not for asking that."""
        try:
            found = await self._http.get("/user")
        except ForgeForbidden as error:
            if error.status == 401:
                raise
            return ""
        return self._as(lambda: str(found[key]))

    def _as(self, shape: Callable[..., Shape], *data: object) -> Shape:
        """What an answer becomes by ``shape``. ForgeUnreachable when it lacks what that needs: a proxy's, perhaps."""
        try:
            return shape(*data)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise ForgeUnreachable(f"{self.name}: it does not answer like this kind of forge: {error!r}") from error

    def _fitting(self, body: str) -> str:
        """The text as it can be sent. ForgeRejected when the forge does not take that much: nothing is cut here, where
        nobody knows what may be left out."""
        text = sendable(body)
        if (size := len(text.encode())) > self.largest_comment:
            raise ForgeRejected(f"{self.name}: a text of {size} bytes, and it takes {self.largest_comment}", 413)
        return text


def cut(text: str, length: int) -> str:
    """On one line, and its beginning only, so that it fits into so many characters; "…" tells that there was more."""
    line = " ".join(sendable(text).split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def sendable(text: str) -> str:
    """Without what UTF-8 has no bytes for, and without NUL, which the databases of forges refuse: "?" in its place."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")
