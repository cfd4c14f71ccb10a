"""Which version runs. What is published freely are edge releases, named by year, month and number; each stable version
is one of them, so that an edge counts as the last version that was cut before it.

Source: https://linkerd.io/releases (the edge release of each version), ``linkerdVersion`` of the charts.
"""

from __future__ import annotations

import re

_EDGE = re.compile(r"edge-(\d+)\.(\d+)\.(\d+)")
_STABLE = re.compile(r"(\d+\.\d+(\.\d+)?)")
#: the first edge release of each version
_CUT = (
    ((26, 6, 1), "2.20"),
    ((25, 10, 7), "2.19"),
    ((25, 4, 4), "2.18"),
    ((24, 11, 8), "2.17"),
    ((24, 8, 2), "2.16"),
    ((24, 2, 4), "2.15"),
    ((23, 8, 2), "2.14"),
    ((23, 4, 1), "2.13"),
    ((22, 8, 2), "2.12"),
    ((21, 9, 4), "2.11"),
)


def version_of(said: str) -> str:
    """``stable-2.14.10`` and ``enterprise-2.17.1`` as they are, ``edge-24.11.8`` as 2.17; "" for what tells nothing."""
    if edge := _EDGE.search(said):
        numbers = tuple(int(part) for part in edge.groups())
        return next((version for first, version in _CUT if numbers >= first), "2.10")
    stable = _STABLE.search(said)
    return stable[1] if stable else ""
