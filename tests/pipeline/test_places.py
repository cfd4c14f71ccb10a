"""Which lines a change writes, and which of them are told for an object."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.commits import Commit, SourceTree
from reconciler.model.findings import NOWHERE, Position
from reconciler.model.intents import Origin
from reconciler.model.refs import DocRef
from reconciler.pipeline.places import LONGEST, Places, changed_lines
from tests.plan.builders import native, only, plan_of


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("", "a\nb\n", {1, 2}),
        ("a\nb\n", "a\nb\n", set()),
        ("a\nb\nc\n", "a\nx\nc\n", {2}),
        ("a\nc\n", "a\nb\nc\n", {2}),
        ("a\nb\nc\n", "a\nc\n", set()),
        ("a\na\na\n", "a\na\na\na\n", {4}),
        ("a\nb\n", "b\na\n", {1}),
    ],
)
def test_the_lines_that_are_written(old: str, new: str, lines: set[int]) -> None:
    assert changed_lines(old.encode(), new.encode()) == lines


LINES = st.lists(st.sampled_from(["a", "b", "c"]), max_size=12)


@given(LINES, LINES)
def test_what_is_not_written_is_there_in_this_order(old: list[str], new: list[str]) -> None:
    written = changed_lines("\n".join(old).encode(), "\n".join(new).encode())
    kept = [line for number, line in enumerate(new, 1) if number not in written]
    matcher = SequenceMatcher(None, old, kept, autojunk=False)
    assert sum(block.size for block in matcher.get_matching_blocks()) <= len(old)
    rest = iter(old)
    assert all(line in rest for line in kept), "the kept lines are a part of the old ones, in order"
    assert written <= set(range(1, len(new) + 1))


def test_a_huge_file_that_is_wholly_another_is_told_as_a_whole() -> None:
    old = "\n".join(f"a{number}" for number in range(LONGEST)).encode()
    new = b"same\n" + "\n".join(f"b{number}" for number in range(LONGEST)).encode()
    assert len(changed_lines(b"same\n" + old, new)) == LONGEST


ONE, TWO, GONE = (DocRef("TrafficPolicy", "default", name) for name in ("one", "two", "gone"))
OLD = b"kind: One\nto: a\nrule: 1\n---\nkind: Two\nto: b\nrule: 2\n"
NEW = b"kind: One\nto: a\nrule: 9\n---\nkind: Two\nto: b\nrule: 2\n"


def places() -> Places:
    head, base = Commit("a" * 40), Commit("b" * 40)
    here = {ONE: Position("p.yaml", 1, 1), TWO: Position("p.yaml", 5, 1)}
    old = {**here, GONE: Position("gone.yaml", 3, 1)}
    return Places(SourceTree(head, {"p.yaml": NEW}), SourceTree(base, {"p.yaml": OLD, "gone.yaml": OLD}), here, old)


def test_an_object_is_told_by_the_line_of_its_document_that_is_written() -> None:
    (place,) = places().of_document(ONE)
    assert (place.path, place.line, place.changed, place.commit) == ("p.yaml", 3, True, "a" * 40)
    (place,) = places().of_document(TWO)
    assert (place.line, place.changed) == (5, False), "what is written in another document is not of this one"


def test_a_document_that_is_gone_is_told_where_it_was() -> None:
    (place,) = places().of_document(GONE)
    assert (place.path, place.line, place.commit) == ("gone.yaml", 3, "b" * 40)
    assert places().of_document(DocRef("TrafficPolicy", "default", "never")) == ()


def test_a_position_that_is_known_is_taken() -> None:
    change = only(plan_of([native("a", {})]))
    made = places().of(replace(change, origins=(Origin(TWO, Position("p.yaml", 6, 1)), Origin(GONE, NOWHERE))))
    assert [(place.path, place.line) for place in made] == [("p.yaml", 6), ("gone.yaml", 3)]
