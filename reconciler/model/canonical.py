"""One canonical form for JSON values: equality, hashes and fingerprints all go through it.

Keys sorted, no white space, UTF-8. ``True`` is not ``1``; ``1.0`` is ``1`` (JSON has one number type).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """The value as dicts, lists and scalars, with whole floats as integers. Raises TypeError on other types."""
    kind = type(value)
    if kind is str or kind is int:
        return value
    if kind is dict:  # by far the most, and without asking an abstract class
        return {
            key if type(key) is str else str(key): item if type(item) is str else plain(item)
            for key, item in value.items()
        }
    return _plain_other(value)


def _plain_other(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def encode(value: Any) -> str:
    """Canonical JSON text of a value."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Hex SHA-256 of the canonical form."""
    return hashlib.sha256(encode(value).encode()).hexdigest()


def equal(left: Any, right: Any) -> bool:
    return encode(left) == encode(right)
