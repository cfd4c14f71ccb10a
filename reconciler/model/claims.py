"""What meshes claim to be able to: one claim, and all of them as a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    NATIVE = "Native"
    EMULATED = "Emulated"
    PARTIAL = "Partial"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Capability:
    """One claim of the capability file. ``side``: client or server, where the mesh enforces it; ``since``: the first
    version of the mesh that has it ("" for all that are supported).

    ``excludes``: capabilities that cannot be used together with it; ``requires``: those that must be used too;
    ``needs``: fields that the cluster's CRDs must have (``Route.mesh.example.org spec.http.mirrors``, or a
    kind alone); ``values``: the only values that a leaf may have; ``most``: how many items a list may have.
    ``otherwise``: how it is done where the version or the CRDs are too old. ``completes``: what the mesh needs beside
    it and gets from us where no policy asks for it, which makes it an emulation.
    """

    path: str
    level: Level
    side: str = ""
    via: str = ""
    note: str = ""
    since: str = ""
    excludes: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    most: int = 0
    otherwise: Capability | None = None
    completes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimTable:
    """``columns``: meshes, with their profile in parentheses. ``rows``: every path that some mesh claims by itself, and
    for each column the claim that covers it, None where there is none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Capability | None, ...]], ...]
