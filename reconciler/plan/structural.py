"""Pruning and defaulting by a cluster's own CRD schema, as the API server does it.

Rules from the Kubernetes documentation of structural schemas: fields not specified are pruned unless
``x-kubernetes-preserve-unknown-fields``; defaults fill absent properties, and nulls of non-nullable ones.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from reconciler.plan.paths import MISSING, dotted, get, leaves

Schema = Mapping[str, Any]


def complete(body: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """The body as the server would store it: pruned, then defaulted. Metadata, apiVersion and kind pass through."""
    properties = schema.get("properties", {})
    result: dict[str, Any] = {}
    for key, value in body.items():
        if key in ("apiVersion", "kind", "metadata"):
            result[key] = copy.deepcopy(value)
        elif key in properties:
            result[key] = _complete(value, properties[key])
        elif schema.get("x-kubernetes-preserve-unknown-fields"):
            result[key] = copy.deepcopy(value)
    _defaults(result, {name: sub for name, sub in properties.items() if name not in ("apiVersion", "kind", "metadata")})
    return result


def _defaults(value: dict[str, Any], properties: Mapping[str, Schema]) -> None:
    for name, sub in properties.items():
        absent = name not in value or (value[name] is None and not sub.get("nullable", False))
        if absent and "default" in sub:
            value[name] = _complete(copy.deepcopy(sub["default"]), sub)
        elif absent and name in value:
            del value[name]


def _complete(value: Any, schema: Schema) -> Any:
    if isinstance(value, Mapping):
        return _complete_object(value, schema)
    if isinstance(value, (list, tuple)):
        items = schema.get("items")
        return [_complete(item, items) if isinstance(items, Mapping) else copy.deepcopy(item) for item in value]
    return value


def _complete_object(value: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    extra = schema.get("additionalProperties")
    keep_unknown = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    result: dict[str, Any] = {}
    for key, item in value.items():
        if schema.get("x-kubernetes-embedded-resource") and key in ("apiVersion", "kind", "metadata"):
            result[key] = copy.deepcopy(item)
        elif key in properties:
            result[key] = _complete(item, properties[key])
        elif isinstance(extra, Mapping):
            result[key] = _complete(item, extra)
        elif extra is True or keep_unknown:
            result[key] = copy.deepcopy(item)
    _defaults(result, properties)
    return result


def lost(body: Mapping[str, Any], schema: Schema) -> tuple[str, ...]:
    """Dotted paths of ``body`` that the server would prune: what was asked and would silently not hold."""
    kept = complete(body, schema)
    gone = []
    for path, _value in leaves({key: value for key, value in body.items() if key != "metadata"}):
        probe = path
        if get(kept, probe) is MISSING:
            while len(probe) > 1 and get(kept, probe[:-1]) is MISSING:
                probe = probe[:-1]
            gone.append(dotted(probe))
    gone.extend(_lost_in_lists(body, kept, ()))
    return tuple(sorted(set(gone)))


def _lost_in_lists(before: Any, after: Any, path: tuple[str | int, ...]) -> list[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found = []
        for key, value in before.items():
            if key in after:
                found.extend(_lost_in_lists(value, after[key], (*path, key)))
            elif any(isinstance(part, int) for part in path):
                found.append(dotted((*path, key)))
        return found
    if isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        return [
            text
            for index, (left, right) in enumerate(zip(before, after, strict=False))
            for text in _lost_in_lists(left, right, (*path, index))
        ]
    return []
