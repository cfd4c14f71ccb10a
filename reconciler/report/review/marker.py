"""By what a comment is known to be a report of ours, and whether it says something else than a newer one."""

from __future__ import annotations

import re

_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
#: what takes the place of a second report
SUPERSEDED = "Superseded by another comment."
_TIME = re.compile(r"\bat `[0-9T:.Z+-]{20,32}`")


def marker(scope: str, *, folds: bool) -> str:
    """A line that nobody sees: an HTML comment, or a reference that nothing refers to where HTML is shown as text.

    ValueError for a scope that is not a short word."""
    if not _SCOPE.fullmatch(scope) or "--" in scope:
        raise ValueError(f"{scope!r} cannot name a report: letters, digits and single . _ / - only")
    return f"<!-- {_name(scope)} -->" if folds else f"[//]: # ({_name(scope)})"


def _name(scope: str) -> str:
    return f"mesh-reconciler:review:v1 scope={scope};"


def is_ours(body: str, scope: str) -> bool:
    """Whether the first line is the marker; what is quoted further below is nobody's."""
    first = body.lstrip("\ufeff \t\r\n").split("\n", 1)[0].strip()
    return first in (marker(scope, folds=True), marker(scope, folds=False))


def differs(body: str, newer: str) -> bool:
    """Whether two reports say something else, beside when they were made and how the forge stores line ends."""
    return _gist(body) != _gist(newer)


def _gist(body: str) -> str:
    lines = (line.rstrip() for line in body.replace("\r\n", "\n").strip().split("\n"))
    return _TIME.sub("", "\n".join(lines))
