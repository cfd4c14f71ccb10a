"""Fields that a claim needs: which of them the definitions in a cluster have. See ``capabilities`` for what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.adapters.base import Adapter
from reconciler.adapters.served import served_version
from reconciler.model.facts import CrdFacts
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

Schema = Mapping[str, Any]
Schemas = Mapping[tuple[KindId, str], Schema]


def gate(need: str) -> tuple[KindId, str]:
    """The kind and the field of ``Route.mesh.example.org spec.http.mirrors``; "" for the kind alone."""
    kind, _, field = need.partition(" ")
    name, _, group = kind.partition(".")
    return KindId(group, name), field.strip()


def gates(adapters: Iterable[Adapter]) -> dict[KindId, frozenset[str]]:
    """Every field that a claim of these adapters needs, by kind."""
    found: dict[KindId, set[str]] = {}
    for adapter in adapters:
        claims = (claim for profile in adapter.profiles for claim in adapter.capabilities(profile).values())
        for kind, field in (gate(need) for claim in claims for need in claim.needs):
            found.setdefault(kind, set()).update({field} - {""})
    return {kind: frozenset(fields) for kind, fields in sorted(found.items()) if fields}


def gated_kinds(adapters: Iterable[Adapter]) -> tuple[NativeKind, ...]:
    """The kinds whose schemas tell whether those fields are there."""
    adapters = tuple(adapters)
    wanted = gates(adapters)
    known = {kind.kind: kind for adapter in adapters for kind in adapter.kinds if kind.kind in wanted}
    return tuple(known[kind] for kind in sorted(known))


def with_fields(
    crds: Mapping[KindId, CrdFacts], adapters: Iterable[Adapter], schemas: Schemas
) -> Mapping[KindId, CrdFacts]:
    """The same kinds, those with a known schema knowing which of the fields asked for it has."""
    adapters = tuple(adapters)
    wanted, found = gates(adapters), dict(crds)
    for kind in gated_kinds(adapters):
        served = crds.get(kind.kind)
        schema = schemas.get((kind.kind, served_version(kind, crds)))
        if served is not None and schema is not None:
            fields = frozenset(path for path in wanted[kind.kind] if has_field(schema, path))
            found[kind.kind] = replace(served, fields=fields)
    return found


def has_field(schema: Schema, path: str) -> bool:
    """Whether an object may have a field: lists are looked into, any key of a map will do, and what is kept although
    it is not described counts as there."""
    return _has(schema, path.split("."))


def _has(schema: Schema, path: list[str]) -> bool:
    if not path:
        return True
    items = schema.get("items")
    if isinstance(items, Mapping):
        return _has(items, path)
    below = schema.get("properties", {}).get(path[0])
    if isinstance(below, Mapping):
        return _has(below, path[1:])
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        return _has(extra, path[1:])
    return extra is True or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
