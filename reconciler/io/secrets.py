"""Reads a secret from where a document says it is, at each use, so that it can be replaced."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.model.clusters import SecretPlace
from reconciler.ports import Unreachable


def secret(place: SecretPlace, base: Path) -> str:
    """Without white space around it; relative files start at ``base``. Unreachable, naming the place only, and not to
    be tried again, where there is none."""
    if place.variable:
        found = os.environ.get(place.variable, "")
    else:
        try:
            found = (base / Path(place.file).expanduser()).read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise unusable(f"cannot read {place.place}: {reason}") from error
    if not found.strip():
        raise unusable(f"{place.place} is empty or not set")
    return found.strip()


def unusable(words: str) -> Unreachable:
    """Nothing that would be better on the next try."""
    problem = Unreachable(words)
    problem.retryable = False
    return problem
