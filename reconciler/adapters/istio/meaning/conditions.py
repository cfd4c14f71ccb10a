"""One entry of ``http[].match`` in one form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.disjoint import Condition

_WORDS = re.compile(r"[A-Z]+(\|[A-Z]+)*")


def condition(entry: Mapping[str, Any]) -> Condition:
    """The entry without its name and what says nothing; a regex of plain methods as their list."""
    found: Condition = {key: value for key, value in entry.items() if key != "name" and value not in (None, {}, [])}
    if found.get("uri") == {"prefix": "/"}:
        del found["uri"]
    if not found.get("ignoreUriCase") or "uri" not in found:
        found.pop("ignoreUriCase", None)
    if found.get("gateways") == ["mesh"]:
        del found["gateways"]
    if "method" in found:
        found["method"] = _methods(found["method"])
    for name in ("headers", "withoutHeaders"):
        if name in found:
            found[name] = {key.lower(): value or {} for key, value in found[name].items()}
    return found


def _methods(match: Any) -> Any:
    if isinstance(match, Mapping) and match.keys() == {"exact"}:
        return [match["exact"]]
    if isinstance(match, Mapping) and match.keys() == {"regex"} and _WORDS.fullmatch(str(match["regex"])):
        return sorted(set(str(match["regex"]).split("|")))
    return match
