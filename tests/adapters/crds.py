"""Checks an object against the real CRD of its kind, more strictly than an API server: unknown fields are errors.

The CRDs lie beside the repository, or where MESH_CRDS says. None of them is part of the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from reconciler.adapters.durations import seconds

DURATION_RULE = "duration(self) >= duration('1ms')"


def folder() -> Path:
    return Path(os.environ.get("MESH_CRDS") or Path(__file__).parents[3] / "shared" / "crds")


def sets(mesh: str) -> list[str]:
    """The folders that hold the CRDs of a mesh; of several the richest last."""
    return [f"{mesh}-standard", f"{mesh}-experimental"] if mesh == "gateway-api" else [mesh]


@cache
def schemas(mesh: str) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Schemas of a mesh's CRDs by (apiVersion, kind); empty where there are none."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for path in sorted((folder() / mesh).glob("*.yaml")):
        for crd in yaml.safe_load_all(path.read_text()):
            spec = crd["spec"]
            for version in spec["versions"]:
                key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[key] = version["schema"]["openAPIV3Schema"]
    return found


def problems(body: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What the CRD has against an object: its schema, fields that it does not know, durations that are too short."""
    invalid = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(body)]
    rest = {name: value for name, value in body.items() if name not in ("apiVersion", "kind", "metadata")}
    return [*invalid, *_strict(rest, schema, "$")]


def _strict(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    rules = [rule["rule"] for rule in schema.get("x-kubernetes-validations", ())]
    if DURATION_RULE in rules and ((length := seconds(value)) is None or length * 1000 < 1):
        yield f"{path}: not a duration of at least 1ms: {value!r}"
    if isinstance(value, Mapping):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            below = known.get(name, others if isinstance(others, Mapping) else None)
            if below is not None:
                yield from _strict(item, below, f"{path}.{name}")
            elif not schema.get("x-kubernetes-preserve-unknown-fields"):
                yield f"{path}.{name}: the CRD has no such field"
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strict(item, schema.get("items", {}), f"{path}[{index}]")
