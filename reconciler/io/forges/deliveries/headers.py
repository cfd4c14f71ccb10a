"""Headers of a request, whose names have no case; and the few forms that all forges share."""

from __future__ import annotations

from collections.abc import Mapping

BRANCH = "refs/heads/"
_NOTHING = "0" * 40


class Headers:
    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in given.items()}

    def get(self, *names: str) -> str:
        """The first of these that is there, or ""."""
        return next((self._given[name.lower()] for name in names if name.lower() in self._given), "")


def commit(text: str | None) -> str:
    """A full hash; "" for that of nothing, and for one that is abbreviated."""
    return text if text and text.strip("0") and len(text) >= len(_NOTHING) else ""
