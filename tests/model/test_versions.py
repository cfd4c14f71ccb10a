"""Versions and ranges of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.versions import is_older, is_within

INSIDE = [
    (">=1.20 <1.28", ["1.20.0", "1.27.9", "1.20", "v1.21.3"], ["1.19.9", "1.28.0", "2.0.0", "1.28.0-rc.1"]),
    (">=1.20, <1.28", ["1.20.0"], ["1.28.0"]),
    (">= 1.20 < 1.28", ["1.20.0"], ["1.28.0"]),
    (">1.20", ["1.21.0"], ["1.20.5", "1.19.0"]),
    (">1.20.1", ["1.20.2"], ["1.20.1"]),
    ("<=1.20", ["1.20.9", "1.19.0"], ["1.21.0"]),
    ("<=1.20.1", ["1.20.1", "0.9.0"], ["1.20.2"]),
    ("1.27.x", ["1.27.0", "1.27.12"], ["1.26.9", "1.28.0"]),
    ("1.27.*", ["1.27.0"], ["1.28.0"]),
    ("1.27", ["1.27.0", "1.27.4"], ["1.28.0"]),
    ("1.x", ["1.0.0", "1.99.0"], ["2.0.0"]),
    ("1", ["1.3.0"], ["2.0.0"]),
    ("*", ["0.1.0", "9.9.9"], []),
    ("~1.27", ["1.27.0", "1.27.9"], ["1.28.0", "1.26.0"]),
    ("~1.27.3", ["1.27.3", "1.27.9"], ["1.27.2", "1.28.0"]),
    ("~1", ["1.9.0"], ["2.0.0"]),
    ("^1.20", ["1.20.0", "1.99.0"], ["1.19.0", "2.0.0"]),
    ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
    ("1.27.1", ["1.27.1", "v1.27.1", "1.27.1+build.7"], ["1.27.2", "1.27.0"]),
    ("=1.27.1", ["1.27.1"], ["1.27.2"]),
    ("1.26.x || 1.28.x", ["1.26.1", "1.28.0"], ["1.27.0"]),
    (">=1.28.0-rc.2", ["1.28.0-rc.2", "1.28.0-rc.10", "1.28.0"], ["1.28.0-rc.1", "1.28.0-beta.9"]),
    ("1.28.0-rc.2", ["1.28.0-rc.2"], ["1.28.0-rc.3", "1.28.0"]),
    ("1.28.0", ["1.28.0-rc.1"], []),
]


@pytest.mark.parametrize(("text", "inside", "outside"), INSIDE, ids=[text for text, _, _ in INSIDE])
def test_what_is_in_a_range(text: str, inside: list[str], outside: list[str]) -> None:
    assert [version for version in inside if is_within(version, text) is not True] == []
    assert [version for version in outside if is_within(version, text) is not False] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "latest",
        ">=",
        "1.2.3.4",
        "1.x.3",
        ">=1.20 &",
        "1.2 - 1.4",
        "!=1.2",
        "~>1.2",
        "1.27.x-rc",
        "||",
        "1.2 ||",
        "01.2",
    ],
)
def test_what_is_no_range(text: str) -> None:
    assert is_within("1.0.0", text) is None


@pytest.mark.parametrize("running", ["", "latest", "1.2.3.4", "unknown"])
def test_nothing_is_said_of_a_version_that_is_not_known(running: str) -> None:
    assert is_within(running, ">=1.0") is None


def test_order() -> None:
    ascending = ["1.26.4", "1.27.0-alpha", "1.27.0-rc.1", "1.27.0-rc.2", "1.27.0", "1.27.1", "1.28.0", "2.0.0"]
    for place, version in enumerate(ascending):
        assert [other for other in ascending if is_older(version, other)] == ascending[place + 1 :]
    assert not is_older("", "1.2.3")
    assert not is_older("1.2.3", "latest")


numbers = st.tuples(*[st.integers(0, 30)] * 3)


@given(numbers, numbers)
def test_a_range_and_its_complement(version: tuple[int, ...], bound: tuple[int, ...]) -> None:
    running, limit = ".".join(map(str, version)), ".".join(map(str, bound))
    assert is_within(running, f">={limit}") is (version >= bound)
    assert is_within(running, f"<{limit}") is (version < bound)
    assert is_within(running, f">{limit}") is (version > bound)
    assert is_within(running, f"<={limit}") is (version <= bound)
    assert is_within(running, limit) is (version == bound)


@given(st.text(alphabet="0123456789.xX*<>=~^|v- ,", max_size=12))
def test_no_text_is_too_odd(text: str) -> None:
    assert (is_within("1.2.3", text) is None) == (is_within("0.0.1", text) is None), "the text alone makes it a range"
