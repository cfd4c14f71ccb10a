"""The JSON Schemas of the kinds, from ``schemas/*.json``, bundled with the blocks they share.

The files accept a variable wherever a value may stand, for editors. Documents are checked against the strict form,
without these alternatives, once their variables are filled in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

KINDS = (
    "AccessPolicy",
    "Cluster",
    "Destination",
    "Extension",
    "Ingress",
    "Mesh",
    "Reconciler",
    "TelemetryPolicy",
    "TrafficPolicy",
    "VirtualMesh",
)
#: kinds that are read for each target, with its variables filled in
VARIABLE_KINDS = frozenset(
    {"AccessPolicy", "Destination", "Extension", "Ingress", "Mesh", "TelemetryPolicy", "TrafficPolicy", "VirtualMesh"}
)
_LOCAL = "#/$defs/"
_VARIABLE = f"{_LOCAL}Variable"

Schema = dict[str, Any]


@cache
def _file(name: str) -> Schema:
    content: Schema = json.loads((files(__package__) / "schemas" / name).read_text("utf-8"))
    return content


@cache
def _blocks() -> Schema:
    """The shared blocks by name, from every file that is not a kind of its own. ValueError for a name used twice."""
    found: Schema = {}
    for name in sorted(entry.name for entry in (files(__package__) / "schemas").iterdir()):
        if name.endswith(".json") and name[0].islower() and name != "future.json":
            blocks = _file(name)["$defs"]
            if twice := sorted(set(found) & set(blocks)):
                raise ValueError(f"{name} defines again what another file has: {', '.join(twice)}")
            found |= blocks
    return found


def schema(kind: str) -> Schema:
    """The schema of a kind, whole in itself, as editors use it. KeyError for an unknown kind."""
    if kind not in KINDS:
        raise KeyError(kind)
    needed: Schema = {}
    body = _localize(_file(f"{kind}.json"), needed)
    return {**body, "$defs": dict(sorted(needed.items()))}


def _localize(node: Any, needed: Schema) -> Any:
    """A copy whose references to shared blocks point into itself; ``needed`` gets what they name."""
    if isinstance(node, list):
        return [_localize(item, needed) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return {key: _localize(value, needed) for key, value in node.items()}
    name = reference.rpartition("#/$defs/")[2]
    if name not in needed:
        needed[name] = {}
        needed[name] = _localize(_blocks()[name], needed)
    return {**node, "$ref": f"{_LOCAL}{name}"}


@cache
def strict_schema(kind: str) -> Schema:
    """The schema without the alternatives for variables: what a document must be once it is filled in."""
    strict: Schema = _without_variables(schema(kind))
    return strict


def _without_variables(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_variables(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _without_variables(value) for key, value in node.items()}
    branches = [branch for branch in plain.get("anyOf", ()) if branch.get("$ref") != _VARIABLE]
    if len(branches) == len(plain.get("anyOf", ())):
        return plain
    plain["anyOf"] = branches
    return (
        {**branches[0], **{key: value for key, value in plain.items() if key != "anyOf"}}
        if len(branches) == 1
        else plain
    )


@cache
def validator(kind: str) -> Draft202012Validator:
    """The compiled strict schema of a kind."""
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(strict_schema(kind))


def schema_at(kind: str, path: list[str | int]) -> Mapping[str, Any]:
    """The part of the strict schema at a schema path; {} where there is none."""
    node: Any = strict_schema(kind)
    for part in path:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return {}
    return node if isinstance(node, dict) else {}


def future_kinds() -> tuple[str, ...]:
    """Kinds that are known but not supported yet."""
    return tuple(_file("future.json")["kinds"])


def is_future_field(title: str, name: str) -> bool:
    """Whether an object of this title will have such a field in a later version."""
    return name in _file("future.json")["fields"].get(title, ())


def future_hint(title: str, name: str) -> str:
    """What to do until there is such a field, or ""."""
    return str(_file("future.json")["hints"].get(title, {}).get(name, ""))


def future_value(name: str, value: object) -> str | None:
    """What to do until a field takes a word that a later version may take; None for any other word."""
    hint = _file("future.json")["values"].get(name, {}).get(value) if isinstance(value, str) else None
    return None if hint is None else str(hint)


def is_future_short(title: str, text: str) -> bool:
    """Whether a later version will take such a short form."""
    return any(text.startswith(head) for head in _file("future.json")["shorts"].get(title, ()))
