"""Facts to and from a file, exactly: the same commit, facts and time give the same plan, byte for byte."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from reconciler.model.facts import ClusterFacts, CrdFacts, Facts
from reconciler.model.refs import KindId

FORMAT = "reconciler.dev/facts/v1"


class UnusableFacts(ValueError):
    """A recording that is not one, or of another format; the message says where."""


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """JSON values with sorted keys; equal facts give equal values, in one order."""
    return {
        "clusters": {name: _cluster(facts.clusters[name]) for name in sorted(facts.clusters)},
        "format": FORMAT,
        "stale": sorted(facts.stale),
        "unreachable": dict(sorted(facts.unreachable.items())),
    }


def facts_from_json(value: Any) -> Facts:
    """The inverse of ``facts_to_json``. Raises UnusableFacts."""
    if not isinstance(value, Mapping) or value.get("format") != FORMAT:
        raise UnusableFacts(f"not facts that this version can read: it needs format {FORMAT}")
    try:
        return Facts(
            clusters={name: _facts(body) for name, body in value["clusters"].items()},
            unreachable=msgspec.convert(value["unreachable"], dict[str, str]),
            stale=msgspec.convert(value["stale"], frozenset[str]),
        )
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError) as error:
        raise UnusableFacts(f"these facts are damaged: {error}") from error


def record(facts: Facts, path: Path) -> None:
    """Write facts to a file, for people to read and to compare. Raises OSError."""
    path.write_text(json.dumps(facts_to_json(facts), indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def replay(path: Path) -> Facts:
    """Facts from a file that ``record`` wrote. Raises OSError and UnusableFacts."""
    try:
        return facts_from_json(json.loads(path.read_text("utf-8")))
    except ValueError as error:
        raise UnusableFacts(f"{path}: {error}") from error


def _cluster(facts: ClusterFacts) -> dict[str, Any]:
    body = msgspec.to_builtins(dataclasses.replace(facts, crds=None))
    if facts.crds is not None:
        body["crds"] = [msgspec.to_builtins(facts.crds[kind], order="sorted") for kind in sorted(facts.crds)]
    plain: dict[str, Any] = json.loads(json.dumps(body, sort_keys=True))
    return plain


def _facts(body: Mapping[str, Any]) -> ClusterFacts:
    facts = msgspec.convert({**body, "crds": None}, ClusterFacts)
    crds = msgspec.convert(body["crds"], list[CrdFacts] | None)
    return dataclasses.replace(facts, crds=None if crds is None else _by_kind(crds))


def _by_kind(crds: list[CrdFacts]) -> dict[KindId, CrdFacts]:
    return {crd.kind: crd for crd in crds}
