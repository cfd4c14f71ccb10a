"""What a proxy was started with against what lies in its folder. It reads that once, so the two may differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from reconciler.io.envoy.admin import Answer
from reconciler.io.envoy.xds import PLACE, started_as

_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")
_LENGTH = re.compile(r"-?(\d+(?:\.\d+)?)s")
_ENUM = re.compile(r"[A-Z][A-Z0-9_]*")
#: what a proxy says of its node by itself
_BY_ITSELF = ("user_agent_name", "user_agent_version", "user_agent_build_version", "extensions", "client_features")
_HIDDEN = "[redacted]"
#: messages of free form, in which each value is as it is written
_FREE = frozenset({"metadata", "static_layer"})


def unread(asked: Mapping[str, Any], version: str, answer: Answer) -> tuple[str, ...]:
    """The parts of a bootstrap that are others than those of the running proxy, sorted; none where it runs with it.

    ``asked`` is without what is told of it besides, ``version`` that with which it was written. Both sides are JSON of
    protocol buffers: one may be spelled otherwise, and what has its default is not printed
    (https://protobuf.dev/programming-guides/json/). Of a proxy that was given more by its command line, the version
    alone tells.
    """
    told = started_as(answer.bootstrap)
    marked = bool(told and version) and told != version
    found = set() if answer.overlaid else set(_parts(_spelled(asked), _spelled(_without_own(answer.bootstrap))))
    return tuple(sorted(found)) or (("its content",) if marked else ())


def _parts(asked: Mapping[str, Any], running: Mapping[str, Any]) -> Iterator[str]:
    for name in asked.keys() | running.keys():
        if not _same(asked.get(name), running.get(name), free=False):
            yield name


def _same(asked: Any, running: Any, *, free: bool) -> bool:
    if running is None:
        return asked is None if free else _is_default(asked)
    if isinstance(asked, Mapping) and isinstance(running, Mapping):
        return all(
            _same(asked.get(name), running.get(name), free=free or name in _FREE)
            for name in asked.keys() | running.keys()
        )
    if isinstance(asked, list) and isinstance(running, list):
        return all(_same(one, other, free=free) for one, other in zip_longest(asked, running))
    return running == _HIDDEN or asked == running or _as_number(asked) == _as_number(running) is not None


def _is_default(value: Any) -> bool:
    """Perhaps: of an enumeration nobody here knows which one it is; the mark tells where it was another."""
    return not value or (isinstance(value, str) and _ENUM.fullmatch(value) is not None)


def _as_number(value: Any) -> float | None:
    """A length of time, or a number, which may stand in quotes."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    try:
        return float(found[1] if found else value)
    except ValueError:
        return None


def _spelled(value: Any, *, free: bool = False) -> Any:
    """With the names of fields as the definitions have them."""
    if isinstance(value, Mapping):
        return {
            key if free or key.startswith("@") else _CAPITAL.sub(lambda found: f"_{found[0].lower()}", key):
            _spelled(item, free=free or key in _FREE)
            for key, item in value.items() if item is not None
        }  # fmt: skip
    return [_spelled(item, free=free) for item in value] if isinstance(value, list) else value


def _without_own(running: Mapping[str, Any]) -> Mapping[str, Any]:
    node = {key: value for key, value in (running.get("node") or {}).items() if key not in _BY_ITSELF}
    metadata = {key: value for key, value in (node.get("metadata") or {}).items() if key != PLACE}
    rest = {key: value for key, value in node.items() if key != "metadata"}
    return {**running, "node": {**rest, **({"metadata": metadata} if metadata else {})}}
