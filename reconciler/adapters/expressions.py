"""Conditions as regular expressions of the dialects that meshes read, each for a whole value, case kept."""

from __future__ import annotations

import re

from reconciler.model.selectors import PathKind, PathMatch

_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
#: what may come behind a path where a mesh sees path and query as one
QUERY = r"(\?.*)?"


def quote(text: str) -> str:
    """Text as a literal inside an expression of any dialect."""
    return _SPECIAL.sub(r"\\\1", text)


def path_expression(path: PathMatch) -> str:
    """For a path without its query."""
    match path.kind:
        case PathKind.REGEX:
            return path.value
        case PathKind.SUFFIX:
            return f".*{quote(path.value)}"
        case PathKind.STRING_PREFIX:
            return f"{quote(path.value)}.*"
        case PathKind.PREFIX:
            return f"{quote(path.value.rstrip('/'))}(/.*)?"
        case PathKind.EXACT:
            return quote(path.value)


def target_expression(path: PathMatch) -> str:
    """For a path with its query. ValueError for one that is an expression already: it could see the query."""
    match path.kind:
        case PathKind.EXACT:
            return quote(path.value) + QUERY
        case PathKind.PREFIX:
            return f"{quote(path.value.rstrip('/'))}([/?].*)?"
        case PathKind.STRING_PREFIX:
            return f"{quote(path.value)}.*"
        case PathKind.SUFFIX:
            return f"[^?]*{quote(path.value)}{QUERY}"
        case PathKind.REGEX:
            raise ValueError("an expression cannot tell the path from the query")


def value_expression(kind: str, value: str) -> str:
    """``kind``: exact, prefix, suffix or regex. ValueError for another one."""
    match kind:
        case "exact":
            return quote(value)
        case "prefix":
            return f"{quote(value)}.*"
        case "suffix":
            return f".*{quote(value)}"
        case "regex":
            return value
        case _:
            raise ValueError(f"not a kind of match: {kind}")
