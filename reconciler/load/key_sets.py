"""JSON Web Key Sets: written in a policy, or in a file of the repository that a policy names."""

from __future__ import annotations

import json
from typing import Any

from reconciler.load.blocks import Decoder
from reconciler.load.files import unfit
from reconciler.load.names import nearest
from reconciler.load.nodes import Map
from reconciler.model import canonical

_WAYS = ("jwksUri", "jwks", "jwksRef")
_SHAPE = '{"keys": [...]}'


def keys_of(provider: Map, into: Decoder) -> str:
    """The key set of a provider; "" where it is elsewhere, or wrong."""
    given = [way for way in _WAYS if way in provider]
    if len(given) > 1:
        told = f"keys are given twice: as {given[0]} and as {given[1]}"
        into.complain("wrong-value", told, provider.keys_at[given[1]], "keep one of the two")
    if "jwks" in provider:
        if problem := _problem(_parsed(provider["jwks"])):
            into.complain("wrong-value", problem, provider.values_at["jwks"], _SHAPE)
        return str(provider["jwks"])
    return _in_file(provider["jwksRef"], into) if "jwksRef" in provider else ""


def _in_file(reference: Map, into: Decoder) -> str:
    path, at = reference["path"], reference.values_at["path"]
    data = into.files.get(path)
    if data is None:
        into.complain("unknown-reference", f"there is no key set `{path}` here", at, nearest(path, into.files))
        return ""
    if wrong := unfit(path, data):
        into.complain("wrong-value", f"`{path}`: {wrong.message}", at, wrong.hint)
        return ""
    found = _parsed(data.decode().removeprefix("\ufeff"))
    if problem := _problem(found):
        into.complain("wrong-value", f"`{path}`: {problem}", at, _SHAPE)
        return ""
    return canonical.encode(found)


def _parsed(text: str) -> Any:
    try:
        found = json.loads(text)
        canonical.encode(found)  # JSON proper, without NaN
    except (ValueError, RecursionError):
        return None
    return found


def _problem(found: Any) -> str:
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list):
        return "not a JSON Web Key Set"
    if any(isinstance(key, dict) and "d" in key for key in keys):
        return "it holds a private key, and proxies need public ones only"
    return ""
