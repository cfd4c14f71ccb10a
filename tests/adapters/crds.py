"""Checks an object against the real CRD of its kind, more strictly than an API server: unknown fields are errors, and
CEL rules hold.

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

from tests.adapters import cel


def folder() -> Path:
    return Path(os.environ.get("MESH_CRDS") or Path(__file__).parents[3] / "shared" / "crds")


_STANDARD = ("gateway-api-standard", "gateway-api-experimental")
_SMI = ("nginx-service-mesh", "smi-traefik-mesh", "linkerd-smi", "osm", "smi-osm", "smi")
#: meshes whose objects are of other sets, or of other sets besides
_SETS = {"gateway-api": _STANDARD, "cilium": (*_STANDARD, "cilium"), "smi": _SMI}


def sets(mesh: str) -> list[str]:
    """The folders that hold the CRDs of a mesh; of several the richest last."""
    return list(_SETS.get(mesh, (mesh,)))


NONE = f"NO CRDs TO CHECK AGAINST: none in {folder()}; set MESH_CRDS to a folder that has them"


def of(mesh: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The schemas of all sets of a mesh, of several for one kind the richest."""
    return {key: schema for name in sets(mesh) for key, schema in schemas(name).items()}


@cache
def schemas(mesh: str) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Schemas of a mesh's CRDs by (apiVersion, kind); empty where there are none."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for path in sorted((folder() / mesh).glob("*.yaml")):
        for crd in yaml.load_all(path.read_text(), yaml.CSafeLoader):
            spec = crd["spec"]
            for version in spec["versions"]:
                key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[key] = version["schema"]["openAPIV3Schema"]
    return found


def problems(body: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What the CRD has against an object: its schema, fields that it does not know, its CEL rules."""
    invalid = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(body)]
    rest = {name: value for name, value in body.items() if name not in ("apiVersion", "kind", "metadata")}
    return [*invalid, *_strict(rest, schema, "$"), *cel.violations(body, schema)]


def _strict(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
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
