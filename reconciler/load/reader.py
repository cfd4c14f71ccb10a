"""YAML text to nodes with places: no recursion, bounded in depth and size, nothing but maps, lists and scalars.

A subclass of PyYAML's CSafeLoader that reads its events itself; ``scalars`` says what words mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from reconciler.load.nodes import Map, Place, Seq
from reconciler.load.scalars import AmbiguousScalar, resolve

MAX_DEPTH = 64
MAX_NODES = 250_000  # per file, each alias counted as all that it stands for
_TEXT_TAG = "tag:yaml.org,2002:str"
_OWN_TAGS = {_TEXT_TAG: "scalar", "tag:yaml.org,2002:map": "mapping", "tag:yaml.org,2002:seq": "sequence"}
_START = {yaml.MappingStartEvent: "mapping", yaml.SequenceStartEvent: "sequence"}
_NO_KEY = object()


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a text: a finding code, message, place and hint."""

    code: str
    message: str
    at: Place
    hint: str = ""


class Unreadable(Exception):
    """The text cannot be read on from here."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


@dataclass(slots=True)
class _Open:
    """A collection being read: the node, its anchor, its size so far, and for a mapping the key that waits."""

    node: Map | Seq
    at: Place
    anchor: str | None
    started: int
    height: int = 1  # levels in it, aliases followed
    key: Any = _NO_KEY
    key_at: Place = ("", 0, 0)


@dataclass(slots=True)
class _Document:
    root: Any = None
    at: Place = ("", 0, 0)
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int, int]] = field(default_factory=dict)  # value, size, height


class Reader(yaml.CSafeLoader):
    """Reads one text. ``mistakes`` are those that do not stop it; the documents they are in must not be used."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text)
        self.path = path
        self._text = text
        self.mistakes: list[Mistake] = []
        self._count = 0
        self._document = _Document()

    def documents(self) -> Iterator[tuple[Any, Place]]:
        """Each document's root and place, empty documents left out. Unreadable when the rest cannot be read."""
        while True:
            event = self._next()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if isinstance(event, yaml.DocumentStartEvent):
                self._document = _Document(at=self._place(event))
            elif isinstance(event, yaml.DocumentEndEvent):
                if self._document.root is not None:
                    yield self._document.root, self._document.at
            elif not isinstance(event, yaml.StreamStartEvent):
                self._take(event)

    def _next(self) -> Any:
        try:
            return self.get_event()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = (self.path, mark.line + 1, mark.column + 1) if mark else (self.path, 0, 0)
            message = ", ".join(part for part in (error.context, error.problem) if part)
            raise Unreadable(Mistake("yaml-syntax", f"not YAML: {message}", at)) from error
        except (yaml.YAMLError, UnicodeError) as error:
            message = str(getattr(error, "reason", error)).split("\n", 1)[0]
            raise Unreadable(Mistake("yaml-syntax", f"not YAML: {message}", self._at_byte(error))) from error

    def _at_byte(self, error: Exception) -> Place:
        offset = getattr(error, "position", None)
        if not isinstance(offset, int):
            return (self.path, 0, 0)
        before = self._text.encode()[:offset].decode(errors="ignore").split("\n")
        return (self.path, len(before), len(before[-1]) + 1)

    def _place(self, event: Any) -> Place:
        return (self.path, event.start_mark.line + 1, event.start_mark.column + 1)

    def _mistake(self, code: str, message: str, at: Place, hint: str = "") -> None:
        self.mistakes.append(Mistake(code, message, at, hint))

    def _take(self, event: Any) -> None:
        self._count += 1
        at = self._place(event)
        if self._count > MAX_NODES:
            hint = "split the file, or write out less by anchors"
            raise Unreadable(Mistake("yaml-bounds", f"more than {MAX_NODES} values in one file", at, hint))
        stack = self._document.stack
        kind = type(event)
        if kind is yaml.ScalarEvent:
            value = self._scalar(event, at)
            if event.anchor is not None:
                self._document.anchors[event.anchor] = (value, 1, 0)
            self._place_in_parent(value, at)
        elif kind in _START:
            self._check_depth(1, at)
            self._check_tag(event, _START[kind], at)
            node: Map | Seq = Map(at) if kind is yaml.MappingStartEvent else Seq(at)
            stack.append(_Open(node, at, event.anchor, self._count))
        elif kind is yaml.AliasEvent:
            self._alias(event.anchor, at)
        else:
            self._close(stack.pop())

    def _close(self, done: _Open) -> None:
        if done.anchor is not None:
            self._document.anchors[done.anchor] = (done.node, self._count - done.started + 1, done.height)
        self._grow(done.height)
        self._place_in_parent(done.node, done.at)

    def _check_depth(self, more: int, at: Place) -> None:
        if len(self._document.stack) + more > MAX_DEPTH:
            raise Unreadable(Mistake("yaml-bounds", f"nested more than {MAX_DEPTH} levels deep", at))

    def _grow(self, height: int) -> None:
        """The collection around has something of this height in it."""
        if self._document.stack:
            parent = self._document.stack[-1]
            parent.height = max(parent.height, height + 1)

    def _alias(self, name: str, at: Place) -> None:
        if name not in self._document.anchors:
            raise Unreadable(Mistake("yaml-syntax", f"`*{name}` refers to no anchor that ends before it", at))
        value, size, height = self._document.anchors[name]
        self._count += size - 1
        self._check_depth(height, at)
        self._grow(height)
        self._place_in_parent(value, at)

    def _scalar(self, event: Any, at: Place) -> Any:
        self._check_tag(event, "scalar", at)
        if event.tag == _TEXT_TAG or not event.implicit[0]:
            return event.value
        try:
            return resolve(event.value)
        except AmbiguousScalar as error:
            self._mistake("yaml-number", str(error), at)
            return event.value

    def _check_tag(self, event: Any, kind: str, at: Place) -> None:
        if event.tag not in (None, "!") and _OWN_TAGS.get(event.tag) != kind:
            self._mistake("yaml-tag", f"the tag `{event.tag[:80]}` is not accepted", at, "write the plain value")

    def _place_in_parent(self, value: Any, at: Place) -> None:
        if not self._document.stack:
            self._document.root, self._document.at = value, at
            return
        parent = self._document.stack[-1]
        if isinstance(parent.node, Seq):
            parent.node.push(value, at)
        elif parent.key is _NO_KEY:
            parent.key, parent.key_at = self._key(value, at, parent.node), at
        else:
            if parent.key is not None:
                parent.node.put(parent.key, value, parent.key_at, at)
            parent.key = _NO_KEY

    def _key(self, value: Any, at: Place, node: Map) -> str | None:
        """The key as text, or None (the entry is left out) when it cannot be one."""
        if not isinstance(value, str):
            told = "a list or mapping" if isinstance(value, (Map, Seq)) else f"`{value}`"
            self._mistake("yaml-key", f"{told} cannot be a key: keys are text", at, "put it in quotes")
            return None
        if value in node:
            first = node.keys_at[value][1]
            self._mistake("yaml-duplicate-key", f"the key `{value[:80]}` is there already, in line {first}", at)
            return None
        return value
