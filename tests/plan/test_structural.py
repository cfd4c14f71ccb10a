"""Pruning and defaulting by a CRD schema, against what the API server is documented to do, and real schemas."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.structural import complete, lost

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "color": {"type": "string", "default": "red"},
                "maybe": {"type": "string", "nullable": True, "default": "x"},
                "nested": {"type": "object", "default": {}, "properties": {"a": {"type": "integer", "default": 1}}},
                "list": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"n": {"type": "string"}, "w": {"default": 5}}},
                },
                "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"k": {}}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}


def completed(spec: dict[str, Any]) -> Any:
    return complete({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "odd": 1}, "spec": spec}, SCHEMA)[
        "spec"
    ]


def test_defaults_fill_what_is_absent_at_every_depth() -> None:
    assert completed({}) == {"color": "red", "maybe": "x", "nested": {"a": 1}}
    assert completed({"nested": {}, "list": [{"n": "a"}]})["list"] == [{"n": "a", "w": 5}]


def test_null_is_a_value_only_where_it_may_be() -> None:
    assert completed({"color": None, "maybe": None})["color"] == "red"
    assert completed({"maybe": None})["maybe"] is None


def test_unknown_fields_are_pruned_but_for_those_that_are_kept() -> None:
    spec = completed({"odd": 1, "free": {"odd": {"deep": 1}}, "map": {"any": {"k": 1, "odd": 2}}})
    assert "odd" not in spec
    assert spec["free"] == {"odd": {"deep": 1}}
    assert spec["map"] == {"any": {"k": 1}}


def test_what_would_be_lost_is_named() -> None:
    body = {"metadata": {"odd": 1}, "spec": {"odd": {"a": 1}, "list": [{"n": "a", "odd": 2}], "free": {"x": 1}}}
    assert lost(body, SCHEMA) == ("spec.list[0].odd", "spec.odd")
    assert lost({"spec": {"color": "blue"}}, SCHEMA) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["color", "nested", "list", "map", "free", "n", "w", "a", "k", "odd"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["color", "nested", "list", "map", "free", "odd"]), JSON))
def test_completing_twice_changes_nothing_more(spec: dict[str, Any]) -> None:
    once = completed(spec)
    assert completed(once) == once
