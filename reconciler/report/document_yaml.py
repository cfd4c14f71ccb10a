"""Documents as YAML that every reader reads alike, in the order of their keys, each with a comment on its origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

#: plain text that some reader takes for a number, a time or a truth value; durations such as 10s are none
_AMBIGUOUS = re.compile(
    r"(?i)[-+]?[0-9._][0-9a-fox_.:+-]*([ t][0-9:.z +-]+)?|y|n|yes|no|on|off|true|false|null|~|[-+]?\.(inf|nan)"
)


class _Writer(yaml.CSafeDumper):
    """Writes out what occurs twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: _Writer, text: str) -> yaml.Node:
    if "\n" in text and not re.search(r"[ \t]\n|\t", text):
        return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    style = '"' if _AMBIGUOUS.fullmatch(text) or "${" in text else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)
_FORM: Mapping[str, Any] = {"width": 120, "allow_unicode": True}


def documents_yaml(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """One file: for each document a comment, "" for none, and its content."""
    parts = []
    for comment, body in documents:
        head = f"# {comment}\n" if comment else ""
        parts.append(head + yaml.dump(body, Dumper=_Writer, sort_keys=False, default_flow_style=None, **_FORM))
    return "---\n".join(parts)
