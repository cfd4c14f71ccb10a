"""The rules of a route to a Service as TrafficPolicies, one for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Scene, slug
from reconciler.adapters.standard.meaning.parents import Bound

#: what a rule without matches takes
EVERY = [{"path": {"type": "PathPrefix", "value": "/"}}]


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule of an object with its neutral ``match`` (empty: every request) and ``rule``."""

    native: Mapping[str, Any]
    match: Sequence[Any]
    rule: Mapping[str, Any]


def policies(asked: Sequence[Asked], name: str, to: Bound, scene: Scene) -> list[dict[str, Any]]:
    """Named after the object, and where it has several rules after these, too."""
    documents = []
    for number, one in enumerate(asked, 1):
        plain = not one.match or len(asked) == 1
        called = name if plain else f"{name}-{slug(one.native.get('name')) or number}"
        wanted: dict[str, Any] = {"from": [f"ns/{to.callers}"]} if to.callers else {}
        wanted |= {"to": [to.target(scene)], **({"match": one.match} if one.match else {}), "rule": one.rule}
        documents.append({"kind": "TrafficPolicy", "name": called, "spec": wanted})
    return documents
