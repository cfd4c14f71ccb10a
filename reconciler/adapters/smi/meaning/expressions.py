"""Expressions for paths and headers in one form. Open Service Mesh reads them for a whole value; of the others that is
not known, so that only what is anchored on both sides is taken for one.

Source: openservicemesh/osm, pkg/envoy/rds/route/route_config.go.
"""

from __future__ import annotations

import re

from reconciler.adapters.smi.products import OSM

ALL = ".*"
_END = re.compile(r"(?<!\\)(?:\\\\)*\$$")


def whole(text: str, product: str) -> str | None:
    """The expression for a whole value; None where it is not known to be one."""
    if text == ALL:
        return text
    anchored = text.startswith("^") and _END.search(text) is not None
    inner = text[1:-1] if anchored else text
    if product != OSM and (not anchored or _has_ways(inner)):
        return None
    return inner[1:-1] if _is_group(inner) else inner


def _is_group(text: str) -> bool:
    """Whether all of it stands between one pair of brackets."""
    return text[:1] == "(" and not text.startswith("(?") and _closing(text) == len(text) - 1


def _has_ways(text: str) -> bool:
    """Whether it says "or" outside of all brackets: anchors then belong to the first and the last way only."""
    return not _is_group(text) and "|" in text


def _closing(text: str) -> int:
    """Where the first bracket is closed; -1 where it never is. Brackets in a class of characters are characters."""
    depth, at, held = 0, 0, -1
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif held >= 0:
            held = -1 if char == "]" and at > held else held
        elif char == "[":
            held = at + (2 if text[at + 1 : at + 2] == "^" else 1)
        else:
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return at
        at += 1
    return -1
