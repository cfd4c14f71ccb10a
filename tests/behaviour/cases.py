"""A case: what Git says, what is asked, and what has to be seen. ``README.md`` beside it tells how to write one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parent / "cases"
FILE = "case.yaml"
_FIELDS = {"capabilities", "meaning", "given", "then", "differs"}
_ASK = {"ask", "from", "to", "headers", "body", "times", "at", "once", "expect", "tcp", "wait"}


@dataclass(frozen=True)
class Ask:
    """``request`` is method and path. ``by``: the workload, or gateway, whose proxy is asked; ``at``: the port of a
    gateway. ``times`` requests go side by side unless ``once`` says one after the other."""

    request: str
    by: str
    to: str
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    at: int = 0
    in_turn: bool = False
    tcp: bool = False
    wait: float = 0.0
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.request.partition(" ")[2] or "/"


@dataclass(frozen=True)
class Case:
    """``given`` is a stream of documents as they lie in a repository; ``differs`` says, by mesh, what it does else."""

    name: str
    folder: Path
    capabilities: tuple[str, ...]
    meaning: str
    given: str
    asks: tuple[Ask, ...]
    differs: Mapping[str, str] = field(default_factory=dict)


def placed(given: str, address: Callable[[int], str]) -> str:
    """With the address of the service at a place where its number stands as ``@31@``."""
    return re.sub(r"@(\d+)@", lambda found: address(int(found[1])), given)


def all_cases() -> list[Case]:
    return [read(folder) for folder in sorted(CASES.iterdir()) if (folder / FILE).exists()]


def read(folder: Path) -> Case:
    content = yaml.safe_load((folder / FILE).read_text())
    assert set(content) <= _FIELDS, (folder, set(content) - _FIELDS)
    return Case(
        name=folder.name,
        folder=folder,
        capabilities=tuple(content["capabilities"]),
        meaning=" ".join(content["meaning"].split()),
        given=content["given"],
        asks=tuple(_asks(content["then"])),
        differs=content.get("differs") or {},
    )


def _asks(items: Sequence[Mapping[str, Any]]) -> list[Ask]:
    for item in items:
        assert set(item) <= _ASK, set(item) - _ASK
    return [
        Ask(
            request=item.get("ask", "GET /"),
            by=item.get("from", "caller"),
            to=item.get("to", "backend.shop"),
            times=item.get("times", 1),
            headers={str(key): str(value) for key, value in (item.get("headers") or {}).items()},
            body=item.get("body", ""),
            at=item.get("at", 0),
            in_turn=bool(item.get("once", False)),
            tcp=bool(item.get("tcp", False)),
            wait=float(item.get("wait", 0)),
            expect=item["expect"],
        )
        for item in items
    ]
