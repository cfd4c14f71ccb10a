"""JSON pointers (RFC 6901) of fields to be removed, and in which order they can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def parse(pointer: str) -> tuple[str, ...]:
    """The unescaped steps of a pointer; ValueError for one that is not absolute or names the whole object."""
    if not pointer.startswith("/"):
        raise ValueError(f"not a JSON pointer into an object: {pointer!r}")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))


def removal_order(pointers: Iterable[str]) -> Sequence[str]:
    """Later list items first, so that the earlier keep their index; what lies within another removal is left out."""
    steps = {parse(pointer): pointer for pointer in pointers}
    inner = {path for path in steps if any(path[:length] in steps for length in range(1, len(path)))}
    kept = sorted((path for path in steps if path not in inner), key=_rank, reverse=True)
    return [steps[path] for path in kept]


def _rank(path: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    return tuple((int(step), "") if step.isdecimal() and step.isascii() else (-1, step) for step in path)
