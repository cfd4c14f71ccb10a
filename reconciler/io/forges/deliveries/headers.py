"""Headers of a request, whose names have no case; and the few forms that all forges share."""

from __future__ import annotations

import builtins
from collections.abc import Mapping

BRANCH = "refs/heads/"
_NOTHING = "0" * 40


class Headers:
    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in given.items()}

    def get(self, *names: str) -> str:
        """The first of these that is there, or ""."""
        return next((self._given[name.lower()] for name in names if name.lower() in self._given), "")

    def bytes(self, *names: str) -> builtins.bytes:
        """The same as it was sent: servers keep what is no text as surrogates."""
        return self.get(*names).encode("utf-8", "surrogateescape")


def commit(text: str | None) -> str:
    """A full hash; "" for that of nothing, and for one that is abbreviated."""
    return text if text and text.strip("0") and len(text) >= len(_NOTHING) else ""


def text(value: object) -> str:
    """TypeError for what is none."""
    if not isinstance(value, str):
        raise TypeError("no text where one was to be")
    return value


def number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no number where one was to be")
    return value
