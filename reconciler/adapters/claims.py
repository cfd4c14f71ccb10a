"""Reads the capability files of adapters: what a mesh can carry of the neutral API, path by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from reconciler.adapters.base import Capability, Level

Claims = Mapping[str, Capability]


@cache
def read_claims(package: str, name: str = "capabilities.yaml") -> Claims:
    """Every claim of a file by its path.

    A file with ``extends`` begins with the claims of that one (beside it, or in the package that it is ``of``), without
    those at and below what it ``replaces``; with the ``sides`` that it gives to what is below a path; and lacking what
    is done via one of its ``lacks``, each of which says why. ValueError for a level or an entry that does not exist.
    """
    content = yaml.load(files(package).joinpath(name).read_text(encoding="utf-8"), yaml.CSafeLoader)
    beside = read_claims(content.get("of", package), content["extends"]) if "extends" in content else {}
    base = _inherited(beside, content)
    return MappingProxyType({**base, **{path: _claim(path, entry) for path, entry in content["capabilities"].items()}})


def _inherited(base: Claims, content: Mapping[str, Any]) -> Claims:
    kept = {
        path: one for path, one in base.items() if not any(_below(path, top) for top in content.get("replaces", ()))
    }
    for top, side in content.get("sides", {}).items():
        kept |= {path: _on(side, one) for path, one in kept.items() if _below(path, top) and one.side}
    return {path: _without(one, content.get("lacks", {})) for path, one in kept.items()}


def _on(side: str, claim: Capability) -> Capability:
    return replace(claim, side=side, otherwise=_on(side, claim.otherwise) if claim.otherwise else None)


def _without(claim: Capability, lacks: Mapping[str, str]) -> Capability:
    """A claim without the ways that are not there; the other one of two is left."""
    why = next((note for way, note in lacks.items() if way in claim.via), "")
    otherwise = _without(claim.otherwise, lacks) if claim.otherwise else None
    if not why:
        return replace(claim, otherwise=otherwise if otherwise and otherwise.level is not Level.NONE else None)
    return otherwise or Capability(claim.path, Level.NONE, note=why)


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}.")


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
