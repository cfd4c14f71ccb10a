"""The sentences of ``complaints``: one validator error in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.load.names import nearest
from reconciler.load.schemas import future_hint, future_value, is_future_field, is_future_short

_TYPES = {
    "string": "text",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_EMPTY = {
    "from": "leave `from` out for every caller, or name them",
    "to": 'name what is called, or write ["*"] for everything in scope',
    "match": "leave `match` out for all requests",
    "route": "leave `route` out for the destination itself",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """``path`` leads from the document's root; ``at_key``: it is about the key there, not its value."""

    code: str
    message: str
    path: tuple[str | int, ...]
    at_key: bool = False
    hint: str = ""


def type_name(kind: str) -> str:
    return _TYPES.get(kind, kind)


def type_of(value: Any) -> str:
    """What a value is, worded: ``the text `abc```, ``a list``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text[:80]}...`" if len(text) > 80 else f"`{text}`"


def said(problem: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[Complaint]:
    """The complaints in one validator error about ``value``; ``schema`` is the part of the schema that it broke."""
    kind, path = problem.kind, tuple(problem.instance_path)
    match type(kind).__name__:
        case "AdditionalProperties":
            for name in kind.unexpected:
                yield _unknown_field(name, path, schema)
        case "Required":
            yield Complaint("missing-field", f"`{kind.property}` is missing", path)
        case "OneOfNotValid" | "OneOfMultipleValid":
            yield _exactly_one(path, value, schema)
        case "Not":
            yield _exclusive(path, value, schema)
        case "MinItems":
            field = str(path[-1])
            if value:
                yield Complaint("wrong-value", f"`{field}` needs at least {kind.limit} items", path)
                return
            yield Complaint("empty-list", f"`{field}` is an empty list", path, hint=_EMPTY.get(field, ""))
        case "MinProperties":
            yield Complaint("empty-field", f"{_field(path)} says nothing", path)
        case "Type":
            wanted = " or ".join(sorted(type_name(name) for name in kind.types))
            quote = "put it in quotes" if kind.types == ["string"] and isinstance(value, (bool, int, float)) else ""
            yield Complaint("wrong-type", f"expected {wanted}, not {type_of(value)}", path, hint=quote)
        case _:
            yield _wrong_value(problem, path, value, schema)


def _field(path: tuple[str | int, ...]) -> str:
    name = next((part for part in reversed(path) if isinstance(part, str)), "document")
    return f"`{name}`" if path and path[-1] == name else f"an item of `{name}`"


def _unknown_field(name: str, path: tuple[str | int, ...], schema: Mapping[str, Any]) -> Complaint:
    title = str(schema.get("title", ""))
    if is_future_field(title, name):
        told = f"`{name}` is not supported yet"
        return Complaint("unsupported-field", told, (*path, name), True, future_hint(title, name))
    known = schema.get("properties", {})
    return Complaint(
        "unknown-field", f"there is no field {shown(name)} here", (*path, name), True, nearest(name, known)
    )


def _branch_names(branches: Any) -> list[list[str]]:
    return [list(branch.get("required", ())) for branch in branches]


def _exactly_one(path: tuple[str | int, ...], value: Any, schema: Mapping[str, Any]) -> Complaint:
    names = [name for branch in _branch_names(schema.get("oneOf", ())) for name in branch]
    given = [name for name in names if isinstance(value, Mapping) and name in value]
    told = f"{' and '.join(f'`{name}`' for name in given)} exclude each other: " if given else ""
    return Complaint(
        "wrong-value" if given else "missing-field", f"{told}needs exactly one of {', '.join(names)}", path
    )


def _exclusive(path: tuple[str | int, ...], value: Any, schema: Mapping[str, Any]) -> Complaint:
    pairs = _branch_names(schema.get("not", {}).get("anyOf", ()))
    given = next((pair for pair in pairs if all(name in value for name in pair)), [])
    return Complaint("wrong-value", f"{' and '.join(f'`{name}`' for name in given)} exclude each other", path)


def _wrong_value(problem: Any, path: tuple[str | int, ...], value: Any, schema: Mapping[str, Any]) -> Complaint:
    kind = problem.kind
    match type(kind).__name__:
        case "Enum" if path and (later := future_value(str(path[-1]), value)) is not None:
            return Complaint("unsupported-field", f"{shown(value)} is not supported yet", path, hint=later)
        case "Enum":
            options = [str(option) for option in kind.options]
            message = f"{shown(value)} is none of {', '.join(options)}"
            hint = nearest(value, options) if isinstance(value, str) else ""
            return Complaint("wrong-value", message, path, hint=hint if hint.startswith("did") else "")
        case "Constant":
            return Complaint("wrong-value", f"{shown(value)} must be {shown(kind.expected_value)}", path)
        case "Pattern":
            return _not_of_form(path, value, schema)
        case "Minimum" | "Maximum" | "ExclusiveMinimum" | "ExclusiveMaximum":
            low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
            bounds = f"from {low} to {high}" if high is not None else f"greater than {low}"
            return Complaint("wrong-value", f"{value} is out of range", path, hint=f"a number {bounds}")
        case "MinLength":
            return Complaint("wrong-value", "empty text", path)
        case "MaxLength" | "MaxItems":
            unit = "characters" if isinstance(value, str) else "items"
            return Complaint("wrong-value", f"more than {kind.limit} {unit}", path)
        case _:
            return Complaint("wrong-value", str(problem.message)[:200], path)


def _not_of_form(path: tuple[str | int, ...], value: Any, schema: Mapping[str, Any]) -> Complaint:
    what = str(schema.get("description", "")).split(":")[0].rstrip(".")
    if is_future_short("Target", str(value)) and what.startswith("Short form of a target"):
        return Complaint("unsupported-field", f"{shown(value)} is not supported yet", path)
    form = str(schema.get("patternErrorMessage", ""))
    return Complaint(
        "wrong-value", f"{shown(value)} is not accepted here", path, hint=f"write {form}" if form else what
    )
