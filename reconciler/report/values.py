"""Field values as people read them: short, on one line, control characters made visible."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

LONGEST = 160
MOST_NAMES = 3


def word(value: Any, longest: int = LONGEST) -> str:
    """JSON-like text of a value: strings bare where that cannot mislead; cut, with a mark, when too long."""
    if isinstance(value, str) and value and value.isprintable() and value == value.strip():
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def block(value: Any) -> list[str]:
    """The lines of a value as YAML."""
    text: str = yaml.safe_dump(value, sort_keys=False, default_flow_style=False, allow_unicode=True, width=100)
    return text.removesuffix("...\n").splitlines()


def counted(names: Sequence[str], one: str, many: str = "") -> str:
    """The names, or how many they are where they are many."""
    return ", ".join(names) if len(names) <= MOST_NAMES else plural(len(names), one, many)


def plural(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
