"""Reads the capability files of adapters: what a mesh can carry of the neutral API, path by path."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from reconciler.adapters.base import Capability, Level

Claims = Mapping[str, Capability]


@cache
def read_claims(package: str, name: str = "capabilities.yaml") -> Claims:
    """Every claim of a file by its path; a file with ``extends`` begins with the claims of that one.

    ValueError for a level or an entry that does not exist.
    """
    content = yaml.load(files(package).joinpath(name).read_text(encoding="utf-8"), yaml.CSafeLoader)
    base = read_claims(package, content["extends"]) if "extends" in content else {}
    return MappingProxyType({**base, **{path: _claim(path, entry) for path, entry in content["capabilities"].items()}})


def _claim(path: str, entry: Mapping[str, Any]) -> Capability:
    if unknown := sorted(set(entry) - set(_ENTRIES)):
        raise ValueError(f"{path}: there is no entry {', '.join(unknown)} in a claim")
    given: dict[str, Any] = {
        key: _tuple(value) if key in _LISTS else value for key, value in entry.items() if key != "level"
    }
    if "otherwise" in entry:
        given["otherwise"] = _claim(path, entry["otherwise"])
    return Capability(path=path, level=Level(entry["level"]), **given)


_LISTS = ("excludes", "requires", "needs", "values", "completes")
_ENTRIES = ("level", "side", "via", "note", "since", "most", "otherwise", *_LISTS)


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
