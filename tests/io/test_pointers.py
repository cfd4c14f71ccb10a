"""The order in which JSON pointers can be removed."""

import pytest

from reconciler.io.pointers import parse, removal_order


def test_later_list_items_go_first_and_what_goes_anyway_is_left_out() -> None:
    pointers = ["/a/2", "/a/10/x", "/a/10", "/b", "/a/9", "/b/c/d", "/b~1c"]
    order = removal_order(pointers)
    assert sorted(order) == ["/a/10", "/a/2", "/a/9", "/b", "/b~1c"]
    assert [pointer for pointer in order if pointer.startswith("/a")] == ["/a/10", "/a/9", "/a/2"]


def test_steps_are_unescaped() -> None:
    assert parse("/metadata/annotations/a.io~1b~0c") == ("metadata", "annotations", "a.io/b~c")
    with pytest.raises(ValueError, match="not a JSON pointer"):
        parse("")
