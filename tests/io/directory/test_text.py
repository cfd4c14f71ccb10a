"""YAML that is read by 1.2's rules, and written so that every reader gets the same value."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.io.directory.text import DEEPEST, Unreadable, read_documents, write_document

TRICKY = """
yes on y No OFF 1e3 0755 0o17 12:30 12:30:45 1_000 2024-01-01 2024-01-01T00:00:00Z null ~ .5 1. 0x1F 1234e567
= << #x 123456 -1 +1 .inf .NaN 1.2.3 true @x ` %a {a} *a &a !a 08 1e 0000370149489 12e03 0b101 é
""".split()  # noqa: SIM905
TRICKY += [
    "",
    "- a",
    "a: b",
    " lead",
    "trail ",
    "a\nb",
    "a\nb\n",
    "a\n  b \n",
    "\ttab",
    "\x07bell",
    "a\u2028b",
    "a\x85b",
    "\n",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def test_tricky_strings_stay_strings_for_old_and_new_readers() -> None:
    body = {"apiVersion": "v1", "kind": "X", "spec": {"values": TRICKY, "keys": dict.fromkeys(TRICKY, 1)}}
    text = write_document(body)
    assert read_documents(text.encode()) == [body]
    assert yaml.safe_load(text) == body  # a YAML 1.1 reader


@given(st.dictionaries(st.text(), JSON))
def test_what_is_written_is_read_back(body: dict[str, Any]) -> None:
    assert read_documents(write_document(body).encode()) == [body]


def test_the_text_is_readable_and_independent_of_key_order() -> None:
    one = {
        "spec": {"b": 1, "a": [{"x": 1}]},
        "kind": "K",
        "metadata": {"labels": {}, "name": "web"},
        "apiVersion": "v1",
    }
    text = write_document(one)
    assert text == "apiVersion: v1\nkind: K\nmetadata:\n  name: web\n  labels: {}\nspec:\n  a:\n  - x: 1\n  b: 1\n"
    assert write_document(dict(reversed(one.items()))) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0644", 0o644),
        ("0o644", 0o644),
        ("1e3", 1000.0),
        ("TRUE", True),
        ("~", None),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    assert read_documents(f"a: {text}\n".encode()) == [{"a": value}]


def test_documents_of_a_file() -> None:
    assert read_documents(b"\xef\xbb\xbf# nothing\n---\na: 1\n---\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a: 1\nb: [\n", "line 3"),
        (b"a: 1\nb: 2\na: 3\n", "line 3: the key a is there twice"),
        (b"1: a", "the key 1 is not text"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        (b"a: !!binary aGk=", "nothing that JSON can hold"),
        (b"a: !!float .nan", "nothing that JSON can hold"),
        (b"a: &a [*a]", "contains itself"),
        (b"[" * 100_000, f"more than {DEEPEST} deep"),
        (b"- " * 5_000, f"more than {DEEPEST} deep"),
        (bomb().encode(), "once its aliases are followed"),
    ],
)
def test_what_is_not_read(text: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_documents(text)
