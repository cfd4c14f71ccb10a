"""Small values written as text: durations, times, native kinds, field paths, expressions, addresses."""

from __future__ import annotations

import re
import warnings
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from reconciler.load.nodes import Map, Seq
from reconciler.model.refs import KindId

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"([0-9]+)(ms|h|m|s)")
_NOT_RE2 = re.compile(r"\(\?(=|!|<=|<!|>)|\\[1-9]|(?<!\\)[*+?}]\+")
#: what RE2 takes and Python does not, or reads in another way
_RE2_ONLY = re.compile(r"\[\[|\\[pPQEzC]|\(\?[a-zA-Z-]+[:)]|--|&&|~~|\|\|")
_LONGEST = 1024  # characters of an expression
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_STEP = re.compile(r"""\.?([A-Za-z_][A-Za-z0-9_-]*)|\.?\[(\d+|\*)\]|\.(\d+|\*)|\[["']([^"'\]]+)["']\]""")


def seconds(duration: str) -> float:
    """``1h2m3s4ms`` in seconds."""
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def moment(text: str) -> datetime | None:
    """An RFC 3339 time, or None when there is no such day or hour."""
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def kind_id(gvk: str) -> KindId:
    """``group/version/Kind`` or ``version/Kind``; the version does not matter."""
    parts = gvk.split("/")
    return KindId(parts[0] if len(parts) == 3 else "", parts[-1])


def field_path(text: str) -> str | None:
    """``$.spec.http[0].timeout``, ``spec.http[*].timeout`` or ``/spec/http/0/timeout`` as ``spec.http[*].timeout``;
    keys that are no plain words are quoted: ``metadata.annotations["a.b/c"]``. None when it is none of these."""
    steps = _pointer(text) if text.startswith("/") else _dotted(text)
    if not steps:
        return None
    written = ""
    for step in steps:
        if step == "*":
            written += "[*]"
        elif _PLAIN_KEY.match(step):
            written += f".{step}" if written else step
        else:
            written += f'["{step}"]'
    return written


def _pointer(text: str) -> list[str]:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]
    return ["*" if part.isdigit() else part for part in parts] if all(parts) else []


def _dotted(text: str) -> list[str]:
    text = text.removeprefix("$")
    steps: list[str] = []
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            return []
        key, index, bare, quoted = step.groups()
        steps.append(key or quoted or ("*" if (index or bare) else ""))
        position = step.end()
    return steps


def regex_problem(text: str) -> str:
    """Why RE2 would not take an expression, as far as can be told; "" when nothing is known against it."""
    if len(text) > _LONGEST:
        return f"more than {_LONGEST} characters"
    if _NOT_RE2.search(text.replace("\\\\", "")):
        return "look-around, back references and possessive repeats are not in RE2"
    if _RE2_ONLY.search(text):
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError) as problem:
        return str(problem)
    return ""


def address_problem(text: str) -> str:
    """Why a text is not an address or CIDR block; "" when it is one."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return f"`{text[:80]}` is not a network address"
    return ""


def plain(node: Any) -> Any:
    """A node as plain dicts, lists and scalars."""
    if isinstance(node, Map):
        return {key: plain(value) for key, value in node.items()}
    return [plain(item) for item in node] if isinstance(node, Seq) else node
