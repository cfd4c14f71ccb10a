"""What meshes claim to be able to, as a table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One cell: what a mesh in one of its profiles claims of a capability path."""

    path: str
    level: str
    side: str = ""
    via: str = ""
    note: str = ""
    since: str = ""
    excludes: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimTable:
    """``columns``: meshes, with their profile in parentheses. ``rows``: every path that some mesh claims by itself, and
    for each column the claim that covers it, None where there is none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Claim | None, ...]], ...]
