"""Paths into JSON values: tuples of keys and list indices, their dotted text, patterns and JSON pointers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

Path = tuple[str | int, ...]
MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()

_PLAIN_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
_TOKEN = re.compile(r"""\.?([A-Za-z_*][A-Za-z0-9_*-]*)|\[(\d+|\*)\]|\[?["']([^"']+)["']\]?""")


def dotted(path: Path) -> str:
    """``spec.http[0].timeout``; keys that are not plain words are quoted: ``metadata.annotations["a.b/c"]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


@lru_cache(maxsize=512)
def parse(text: str) -> tuple[str | int, ...]:
    """The inverse of ``dotted``; ``[*]`` and ``*`` become the string ``*``. ValueError for other text."""
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None or token.end() == position:
            raise ValueError(f"not a path: {text!r}")
        word, index, quoted = token.groups()
        parts.append(word or quoted if index is None else ("*" if index == "*" else int(index)))
        position = token.end()
    return tuple(parts)


def pointer(path: Path) -> str:
    """JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def related(path: Path, other: Path) -> bool:
    """Whether one of the two leads to the other, or through it."""
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]


def get(value: Any, path: Path) -> Any:
    """The value at a path, or MISSING."""
    for part in path:
        if isinstance(part, int):
            if not isinstance(value, (list, tuple)) or part >= len(value):
                return MISSING
        elif not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value


def put(value: Any, path: Path, new: Any) -> None:
    """Set (or with MISSING remove) in place; parents that are absent are made where they are objects."""
    for depth, part in enumerate(path[:-1]):
        if isinstance(value, list):
            if not isinstance(part, int) or part >= len(value):
                return
            value = value[part]
        elif isinstance(value, dict) and isinstance(part, str):
            if part not in value:
                if new is MISSING or isinstance(path[depth + 1], int):
                    return
                value[part] = {}
            value = value[part]
        else:
            return
    last = path[-1]
    if isinstance(value, dict) and isinstance(last, str):
        if new is MISSING:
            value.pop(last, None)
        else:
            value[last] = new
    elif isinstance(value, list) and isinstance(last, int) and last < len(value):
        if new is MISSING:
            del value[last]
        else:
            value[last] = new


def expand(value: Any, pattern: tuple[str | int, ...]) -> Iterator[Path]:
    """Every path of ``value`` that a pattern with ``*`` parts means; a last plain part need not exist."""
    yield from _expand(value, pattern, ())


def _expand(value: Any, pattern: tuple[str | int, ...], done: Path) -> Iterator[Path]:
    if not pattern:
        yield done
        return
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        keys: list[str | int] = []
        if isinstance(value, Mapping):
            keys = sorted(value)
        elif isinstance(value, (list, tuple)):
            keys = list(range(len(value)))
        for key in keys:
            yield from _expand(value[key], rest, (*done, key))
        return
    child = get(value, (head,))
    if child is not MISSING:
        yield from _expand(child, rest, (*done, head))
    elif not rest and isinstance(value, Mapping):
        yield (*done, head)


def leaves(value: Any, done: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf with its path; empty objects and lists are leaves; lists are whole (as atomic lists are)."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from leaves(value[key], (*done, key))
    else:
        yield done, value
