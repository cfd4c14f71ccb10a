"""Short forms of the neutral API, for importers: what people would write, where that says it all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PATH = re.compile(r"/[^*\s?#]*")


def request(match: Mapping[str, Any]) -> Any:
    """A match as ``GET /reviews/*``, or as it is."""
    path = match.get("path") or {}
    kind = next(iter(path), "")
    if match.keys() - {"path", "methods"} or len(path) != 1 or kind not in ("exact", "prefix"):
        return match
    text = str(path[kind])
    if not _PATH.fullmatch(text) or (kind == "prefix" and text.endswith("/")):
        return match
    return f"{','.join(match.get('methods') or ['*'])} {text}{'/*' if kind == 'prefix' else ''}"
