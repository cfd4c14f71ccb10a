"""The shipped schemas: sound, documented, whole in themselves; and both validators agree on them."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.load import KINDS, schema
from reconciler.load.schemas import strict_schema, validator

FOLDER = files("reconciler.load") / "schemas"
FUTURE = json.loads((FOLDER / "future.json").read_text())


def _nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from _nodes(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _nodes(value, f"{path}/{index}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [schema, strict_schema])
def test_it_is_a_sound_schema(kind: str, form: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(form(kind))
    for path, node in _nodes(form(kind)):
        if isinstance(node.get("$ref"), str):
            assert node["$ref"].removeprefix("#/$defs/") in form(kind)["$defs"], path


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described(kind: str) -> None:
    body = schema(kind)
    assert body["$id"].endswith(f"/{kind}.json")
    assert body["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for path, node in _nodes(body):
        if path.endswith("/properties"):
            for name, field in node.items():
                target = body["$defs"][field["$ref"].removeprefix("#/$defs/")] if "$ref" in field else {}
                assert field.get("description") or target.get("description"), f"{path}/{name}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_is_closed(kind: str) -> None:
    for path, node in _nodes(strict_schema(kind)):
        if node.get("type") == "object" and "properties" in node and not node.get("title", "").startswith("Raw"):
            assert node["additionalProperties"] is False, path


def test_unknown_kinds_have_no_schema() -> None:
    with pytest.raises(KeyError):
        schema("Rollout")


def test_fields_of_later_versions_are_not_fields_of_this_one() -> None:
    titled: dict[str, set[str]] = {}
    for kind in KINDS:
        for _, node in _nodes(strict_schema(kind)):
            if isinstance(node.get("title"), str):
                titled.setdefault(node["title"], set()).update(node.get("properties", {}))
    for title, names in FUTURE["fields"].items():
        assert title in titled, title
        assert not titled[title] & set(names), title
    assert not set(FUTURE["kinds"]) & set(KINDS)


def test_a_variable_may_stand_wherever_a_value_may() -> None:
    lenient = jsonschema.Draft202012Validator(schema("TrafficPolicy"))
    spec = {
        "to": "${targets}",
        "priority": "${prio}",
        "unmatched": "${unmatched}",
        "match": [{"path": "${path}", "methods": ["${method}"]}],
        "rule": {"timeout": "${t}", "retries": {"attempts": "${n}"}, "route": {"v1": "${w}"}, "mtls": "${mode}"},
    }
    body = {"apiVersion": "reconciler.dev/v1alpha1", "kind": "TrafficPolicy", "metadata": {"name": "a"}, "spec": spec}
    assert list(lenient.iter_errors(body)) == []
    assert not validator("TrafficPolicy").is_valid(body)


TEXTS = [
    "",
    "a",
    "A",
    "reviews.shop",
    "*",
    "*.shop",
    "ns/a",
    "ip/10.0.0.0/8",
    "GET /a",
    "* /a/*",
    "3s",
    "1h2m",
    "3x",
    "Strict",
]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 70000), st.floats(0, 101), st.sampled_from(TEXTS))
NAMES = ["to", "from", "match", "rule", "route", "timeout", "retries", "services", "name", "namespace", "path", "exact"]
NAMES += [
    "meshes",
    "names",
    "labels",
    "matchLabels",
    "headers",
    "request",
    "set",
    "type",
    "clusters",
    "priority",
    "weight",
]
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_both_validators_agree(kind: str, spec: dict[str, Any]) -> None:
    body = {"apiVersion": "reconciler.dev/v1alpha1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}
    slow = jsonschema.Draft202012Validator(strict_schema(kind))
    ours = {tuple(problem.instance_path) for problem in validator(kind).iter_errors(body)}
    theirs = {tuple(problem.absolute_path) for problem in slow.iter_errors(body)}
    assert ours == theirs


#: how the repository is run: its fields tell by themselves what they are for
_OPERATION = ("Reconciler.spec", "ReconcilerSource", "Override", "Limits", "Audit")


def test_what_is_not_supported_yet_says_why_or_what_to_do_instead() -> None:
    asked = {(title, name) for title, names in FUTURE["fields"].items() if title not in _OPERATION for name in names}
    assert asked == {(title, name) for title, hints in FUTURE["hints"].items() for name in hints}
    assert all(FUTURE["hints"][title][name] for title, name in asked)
