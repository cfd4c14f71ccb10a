"""Text from manifests, commits and clusters inside Markdown, where it can be nothing but text.

Forges read more than Markdown in a comment: HTML, mentions, references, bare links, commands at the beginning of a line
(GitLab's quick actions). So punctuation becomes character references, which CommonMark takes for text only (spec 0.31,
2.5), and what is looked for after rendering is broken by a space of no width.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

GAP = "\u200b"
#: categories of what is not seen, or turns what is beside it around: control, format, unassigned, surrogate, private
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_ACTIVE = frozenset("&<>`*_[]|~\\$@#")
#: places within what forges look for in rendered text: @user, #1, GH-1, !1, $1, ~label, %milestone, &1, addresses
_SOUGHT = re.compile(r"(?<=[@#!$~%&^*])(?=\S)|(?<=:)(?=//)|(?<=[wW]{3})(?=\.)|(?<=[gG][hH])(?=-\d)")
_LINK = re.compile(r"https?://[^\s<>]+")
_PLAIN_IN_LINK = frozenset("-._~:/?#@!$&'*+,;=%")


def visible(text: str) -> str:
    """The text with what nobody would see written as an escape: controls, line ends, marks of direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(letter) if unicodedata.category(letter) in _UNSEEN else letter for letter in text)


def _escaped(letter: str) -> str:
    if letter in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[letter]
    number = ord(letter)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def prose(text: str) -> str:
    """Text in a line, a table cell or a list item; not at the beginning of a line, where forges look for commands."""
    one_line = visible(" ".join(text.split("\n")).strip())
    apart = _SOUGHT.sub(GAP, one_line)
    return "".join(f"&#{ord(letter)};" if letter in _ACTIVE else letter for letter in apart)


def code(text: str) -> str:
    """A code span that its content cannot end; not for table cells, in which a bar ends it all the same."""
    shown = visible(text) or " "
    ticks = "`" * (max((len(run) for run in _runs(shown)), default=0) + 1)
    padded = len(ticks) > 1 or shown != shown.strip()
    return f"{ticks} {shown} {ticks}" if padded else f"{ticks}{shown}{ticks}"


def link(text: str, url: str) -> str:
    """A code span that leads somewhere; the span alone where the address is none for a browser."""
    if not _LINK.fullmatch(url):
        return code(text)
    address = "".join(letter if _in_link(letter) else _percent(letter) for letter in url)
    return f"[{code(text)}]({address})"


def _in_link(letter: str) -> bool:
    return letter in _PLAIN_IN_LINK or (letter.isascii() and letter.isalnum())


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))


def fenced(rows: Sequence[str], language: str = "diff") -> list[str]:
    """The lines of a code block; the fence is longer than any run of backticks within."""
    shown = [visible(row) for row in rows]
    longest = max((len(run) for row in shown for run in _runs(row)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *shown, fence]


def _runs(text: str) -> Iterator[str]:
    return (found[0] for found in re.finditer("`+", text))


def listed(texts: Iterable[str], most: int) -> str:
    """Code spans in a row; those after the first few are counted."""
    names = list(texts)
    shown = ", ".join(code(cut(name, 120)) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
