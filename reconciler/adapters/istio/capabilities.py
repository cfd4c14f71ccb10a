"""Reads ``capabilities.yaml``: what Istio can carry of the neutral API, path by path."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

from reconciler.adapters.base import Capability, Level


@cache
def claims() -> Mapping[str, Capability]:
    """Every claim by its path. ValueError for a level that does not exist."""
    text = files("reconciler.adapters.istio").joinpath("capabilities.yaml").read_text(encoding="utf-8")
    stated = yaml.safe_load(text)["capabilities"]
    return MappingProxyType({path: _claim(path, entry) for path, entry in stated.items()})


def claim(path: str) -> Capability | None:
    """The claim that covers a path: its own, or the nearest one above it."""
    while path:
        if path in claims():
            return claims()[path]
        path = path.rpartition(".")[0]
    return None


def _claim(path: str, entry: Mapping[str, str]) -> Capability:
    return Capability(
        path=path,
        level=Level(entry["level"]),
        side=entry.get("side", ""),
        via=entry.get("via", ""),
        note=entry.get("note", ""),
        since=entry.get("since", ""),
    )
