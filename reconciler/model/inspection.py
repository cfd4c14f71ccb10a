"""What holds for one thing: every rule in and out of it, with the documents that ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.model.origins import Origin
from reconciler.model.refs import TargetId
from reconciler.model.selectors import Match

IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True)
class Rule:
    """One effective rule. ``capability``: its path; ``value``: plain data. ``callers``: whom it is about, worded, none
    for everybody; ``service``: on calls of what. ``side``: client or server, where the mesh enforces it."""

    target: TargetId
    direction: str
    capability: str
    service: str
    value: Any
    side: str = ""
    callers: tuple[str, ...] = ()
    matches: tuple[Match, ...] = ()
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """An edge of the drawing. ``kind``: route | mirror | allow | deny | audit | custom."""

    target: TargetId
    source: str
    destination: str
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """``facts``: what it is, by target, as pairs of words. Everything sorted."""

    title: str
    facts: tuple[tuple[TargetId, tuple[tuple[str, str], ...]], ...] = ()
    rules: tuple[Rule, ...] = ()
    links: tuple[Link, ...] = ()
