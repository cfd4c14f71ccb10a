"""Lines that are wider than a terminal, folded between words."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_INDENT = 4


def fold(text: str, width: int) -> str:
    """No line is wider than ``width``, colours not counted, unless one word is. What is folded goes on further in."""
    return "\n".join(folded for line in text.split("\n") for folded in _folded(line, width))


def _folded(line: str, width: int) -> list[str]:
    if _wide(line) <= width:
        return [line]
    bare = _COLOUR.sub("", line)
    indent = " " * min(len(bare) - len(bare.lstrip(" ")) + _INDENT, width // 2)
    lines, current = [], ""
    for word in re.findall(r"\s*\S+", line):
        if current.strip() and _wide(current + word) > width:
            lines.append(current)
            current = indent + word.lstrip(" ")
        else:
            current += word
    return [*lines, current]


def _wide(text: str) -> int:
    return len(_COLOUR.sub("", text))
