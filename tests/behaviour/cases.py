"""A case: what Git says, what is asked, and what has to be seen. ``README.md`` beside it tells how to write one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parent / "cases"
FILE = "case.yaml"
_FIELDS = {"capabilities", "meaning", "given", "then", "differs", "mesh", "told"}
_LOGGED = {"logged", "received", "of", "lines", "never", "within"}
_ASK = {"ask", "from", "to", "headers", "body", "times", "at", "once", "expect", "tcp", "wait", "pause", "tls"}
#: what proxies remember of endpoints and requests stays as long as nothing about it changes
_REMEMBERED = ("outlier", "locality", "failover", "healthCheck", "rateLimit", "warmup")


@dataclass(frozen=True)
class Ask:
    """``request`` is method and path. ``by``: the workload, or gateway, whose proxy is asked; ``at``: the port of a
    gateway, or of what a proxy shows to others. ``times`` requests go side by side unless ``once`` says one after the
    other, or with a ``pause`` between them. ``tcp``: the caller connects to the port of ``to``; without a request it
    only listens and talks. ``tls``: over TLS, for a ``name``, ``as`` somebody, with the ``newest`` version that is
    taken."""

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
    pause: float = 0.0
    tls: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.request.partition(" ")[2] or "/"


@dataclass(frozen=True)
class Logged:
    """``file``: in the folder of the proxy of a workload, what was written to it since the documents of the case hold;
    of nobody, what was received since then, of that kind.
    Each of ``lines`` (expressions) is found in it in time, and then none of ``never``."""

    file: str
    by: str
    lines: tuple[str, ...]
    never: tuple[str, ...] = ()
    within: float = 15.0


@dataclass(frozen=True)
class Now:
    """From here on these documents hold and no others."""

    given: str


Step = Ask | Logged | Now


@dataclass(frozen=True)
class Case:
    """``given`` is a stream of documents as they lie in a repository; ``differs`` says, by mesh, what it does else.
    ``mesh``: the ``config`` of its Mesh document; ``told``: codes of what its documents are warned of."""

    name: str
    folder: Path
    capabilities: tuple[str, ...]
    meaning: str
    given: str
    steps: tuple[Step, ...]
    differs: Mapping[str, str] = field(default_factory=dict)
    mesh: Mapping[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    @property
    def located(self) -> str:
        """What is given, with the folder of the case where it says ``@here@``."""
        return self.given.replace("@here@", str(self.folder))

    @property
    def begins_afresh(self) -> bool:
        """Whether what proxies remember of the case before could be taken for what this one makes."""
        return any(word in self.given for word in _REMEMBERED)


def placed(given: str, address: Callable[[int], str]) -> str:
    """With the address of the service at a place where its number stands as ``@31@``."""
    return re.sub(r"@(\d+)@", lambda found: address(int(found[1])), given)


def all_cases() -> list[Case]:
    return [read(folder) for folder in sorted(CASES.iterdir()) if (folder / FILE).exists()]


def read(folder: Path) -> Case:
    content = yaml.load((folder / FILE).read_text(), yaml.CSafeLoader)
    assert set(content) <= _FIELDS, (folder, set(content) - _FIELDS)
    return Case(
        name=folder.name,
        folder=folder,
        capabilities=tuple(content["capabilities"]),
        meaning=" ".join(content["meaning"].split()),
        given=content["given"],
        steps=tuple(_step(item) for item in content["then"]),
        differs=content.get("differs") or {},
        mesh=content.get("mesh") or {},
        told=tuple(content.get("told") or ()),
    )


def _step(item: Mapping[str, Any]) -> Step:
    if "logged" in item or "received" in item:
        return _logged(item)
    return Now(item["now"]) if set(item) == {"now"} else _ask(item)


def _logged(item: Mapping[str, Any]) -> Logged:
    assert set(item) <= _LOGGED, set(item) - _LOGGED
    return Logged(
        file=item["logged"] if "logged" in item else f"{item['received']}.log",
        by=item["of"] if "logged" in item else "",
        lines=tuple(item["lines"]),
        never=tuple(item.get("never", ())),
        within=float(item.get("within", 15)),
    )


def _ask(item: Mapping[str, Any]) -> Ask:
    assert set(item) <= _ASK, set(item) - _ASK
    return Ask(
        request=item.get("ask", "" if item.get("tcp") else "GET /"),
        by=item.get("from", "caller"),
        to=item.get("to", "backend.shop"),
        times=item.get("times", 1),
        headers={str(key): str(value) for key, value in (item.get("headers") or {}).items()},
        body=item.get("body", ""),
        at=item.get("at", 0),
        in_turn=bool(item.get("once", "pause" in item)),
        tcp=bool(item.get("tcp", False)),
        wait=float(item.get("wait", 0)),
        pause=float(item.get("pause", 0)),
        tls={str(key): str(value) for key, value in (item.get("tls") or {}).items()},
        expect=item["expect"],
    )
