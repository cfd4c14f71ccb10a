"""A report within a number of bytes: by whole items, the gravest first, so that no block is ever left open.

An item is shown whole, or by a line, or is counted. Most of the room goes to whole items by their rank; then come the
lines of the others, and what is left goes to whole items again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SHARE = 0.6  # of the room, for whole items, before the lines of the rest
LARGEST = 0.25  # of the room, for one of these


@dataclass(frozen=True, slots=True)
class Item:
    """``brief`` takes the place of ``whole`` where there is no room. A lower rank is graver."""

    whole: str
    brief: str
    rank: int = 0


def counted(number: int) -> str:
    return f"\n…and {number} more that are not shown here\n"


@dataclass(frozen=True, slots=True)
class Section:
    """Items between a head and a tail, all of which are left out where no item is shown. ``more`` says how many are
    not."""

    head: str
    items: tuple[Item, ...]
    tail: str = ""
    more: Callable[[int], str] = counted


@dataclass(frozen=True, slots=True)
class Fitted:
    """``left_out`` items are not shown at all, ``shortened`` ones by a line."""

    text: str
    left_out: int = 0
    shortened: int = 0


@dataclass(slots=True)
class _Room:
    """What is chosen so far: per section and item its text."""

    sections: Sequence[Section]
    left: int
    chosen: dict[tuple[int, int], str] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)

    def take(self, at: tuple[int, int], text: str, most: int) -> int:
        """Bytes used; 0, and nothing is chosen, when it needs more than ``most`` or what is left."""
        section = self.sections[at[0]]
        shell = 0 if at[0] in self.opened else _size(section.head + section.tail + section.more(len(section.items)))
        needed = _size(text) - _size(self.chosen.get(at, "")) + shell
        if needed > min(most, self.left):
            return 0
        self.chosen[at] = text
        self.opened.add(at[0])
        self.left -= needed
        return max(needed, 1)


def fit(sections: Sequence[Section], limit: int) -> Fitted:
    """The sections one after the other within ``limit`` bytes of UTF-8; all of them whole when it is 0 or enough."""
    whole = "".join(_joined(section, [item.whole for item in section.items], 0) for section in sections)
    if not limit or _size(whole) <= limit:
        return Fitted(whole)
    room = _Room(sections, max(limit, 0))
    places = [(at, number) for at, section in enumerate(sections) for number in range(len(section.items))]
    places.sort(key=lambda place: (sections[place[0]].items[place[1]].rank, place))
    share = int(room.left * SHARE)
    for at, number in places:
        share -= room.take((at, number), sections[at].items[number].whole, min(share, int(limit * LARGEST)))
    for at, number in (place for place in places if place not in room.chosen):
        room.take((at, number), sections[at].items[number].brief, room.left)
    for at, number in (place for place in places if place in room.chosen):
        room.take((at, number), sections[at].items[number].whole, room.left)
    return _fitted(sections, room)


def _fitted(sections: Sequence[Section], room: _Room) -> Fitted:
    text, left_out = "", 0
    for at, section in enumerate(sections):
        shown = [room.chosen[at, number] for number in range(len(section.items)) if (at, number) in room.chosen]
        left_out += len(section.items) - len(shown)
        if shown:
            text += _joined(section, shown, len(section.items) - len(shown))
    brief = sum(1 for (at, number), text in room.chosen.items() if text != sections[at].items[number].whole)
    return Fitted(text, left_out, brief)


def _joined(section: Section, shown: Sequence[str], left_out: int) -> str:
    if not shown:
        return ""
    return section.head + "".join(shown) + (section.more(left_out) if left_out else "") + section.tail


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
