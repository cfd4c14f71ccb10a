"""Colour as a function from text and role to text, so that renderers stay pure and pipes stay clean."""

from __future__ import annotations

from collections.abc import Callable

Paint = Callable[[str, str], str]

#: role -> ANSI codes; roles: create, update, prune, keep, drift, withheld, error, warning, info, heading, dim, good
_CODES = {
    "create": "32",
    "update": "33",
    "prune": "31",
    "keep": "2",
    "drift": "35",
    "withheld": "36",
    "error": "31;1",
    "warning": "33",
    "info": "34",
    "heading": "1",
    "dim": "2",
    "good": "32",
}


def plain(text: str, _role: str) -> str:
    return text


def ansi(text: str, role: str) -> str:
    return f"\x1b[{_CODES[role]}m{text}\x1b[0m"
