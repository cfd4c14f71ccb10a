"""The daemon's own file of channels: names to addresses. Git says who is told of what; where that leads, and every
secret, is here.

    channels:
      oncall: {url: "slack://TokenA/TokenB/TokenC/#mesh"}      any address of Apprise
      mail: {urlFile: /run/secrets/mail}                       the same, in a file of its own
      bus: {cloudevents: "https://events.example.org/mesh", tokenFile: /run/secrets/bus, source: prod-fleet}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from reconciler.ports import OutsideError
from reconciler.ports.channels import Channel

_APPRISE = frozenset({"url", "urlFile"})
_EVENTS = frozenset({"cloudevents", "tokenFile", "caFile", "source"})
_SOURCE = "mesh-reconciler"


class Channels(Mapping[str, Channel]):
    """The channels of a file, each opened when it is first needed."""

    def __init__(self, asked: Mapping[str, Mapping[str, str]]) -> None:
        self._asked = asked
        self._open: dict[str, Channel] = {}

    def __getitem__(self, name: str) -> Channel:
        if name not in self._open:
            self._open[name] = _open(self._asked[name])
        return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._asked)

    def __len__(self) -> int:
        return len(self._asked)

    async def close(self) -> None:
        for channel in self._open.values():
            await channel.close()


def read_channels(file: Path) -> Channels:
    """The channels of a file. OutsideError with all its mistakes.

    No message of an error holds an address, since addresses hold secrets.
    """
    try:
        content = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError) as problem:
        raise OutsideError(f"the file of channels {file} cannot be read: {type(problem).__name__}") from problem
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise OutsideError(f"the file of channels {file} is not YAML{place}") from None
    asked = content.get("channels") if isinstance(content, dict) else None
    if not isinstance(asked, dict) or not asked or len(content) > 1:
        raise OutsideError(f"the file of channels {file} is to have `channels:` with a name for each, and nothing else")
    mistakes = [f"`{name}` {words}" for name, one in asked.items() if (words := _mistake(one))]
    if mistakes:
        raise OutsideError(f"the file of channels {file}: " + "; ".join(mistakes))
    return Channels({str(name): one for name, one in asked.items()})


def _mistake(one: Any) -> str:
    if not isinstance(one, dict) or not all(isinstance(value, str) and value for value in one.values()):
        return "is to be a map of texts, such as {url: ...}"
    fields = frozenset(one)
    if "cloudevents" in fields:
        if fields - _EVENTS:
            return f"knows {', '.join(sorted(_EVENTS))} only"
        parts = urlsplit(one["cloudevents"])
        return "" if parts.scheme in ("http", "https") and parts.hostname else "`cloudevents` is to be an http(s) URL"
    if fields - _APPRISE or len(fields) != 1:
        return "is to have `url` or `urlFile` (of Apprise), or `cloudevents`"
    return ""


def _open(asked: Mapping[str, str]) -> Channel:
    if "cloudevents" in asked:
        from reconciler.io.notify.cloudevents import CloudEvents

        source = asked.get("source", _SOURCE)
        return CloudEvents(asked["cloudevents"], source, asked.get("tokenFile", ""), asked.get("caFile", ""))
    from reconciler.io.notify.people import People

    return People(asked.get("url", ""), asked.get("urlFile", ""))
