"""Ways around a rule that refuses a path are refused with it, and other paths are not. The expressions are those of
Python here as they are of the proxy."""

from __future__ import annotations

import re

import pytest

from reconciler.adapters.envoy.spellings import spellings
from reconciler.model.selectors import PathKind, PathMatch


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        ("prefix", "/admin", "/admin"),
        ("prefix", "/admin/", "/admin/x"),
        ("prefix", "/admin", "//admin/x"),
        ("prefix", "/admin", "/\\admin/x"),
        ("prefix", "/admin", "/%2fadmin"),
        ("prefix", "/admin", "/admin%2Fx"),
        ("prefix", "/admin", "/admin;a=b/x"),
        ("prefix", "/admin", "/x/..%2fadmin/x"),
        ("prefix", "/admin", "/x%2f../admin/x"),
        ("prefix", "/admin", "/x%5c.."),
        ("prefix", "/a/b", "/a;x=1//b/c"),
        ("prefix", "/a/b", "/a/./b"),
        ("exact", "/a/b", "/a%2fb"),
        ("exact", "/a", "/a;v=1"),
        ("stringPrefix", "/a-", "//a-b"),
        ("suffix", "/a.png", "/x//a.png"),
        ("suffix", ".png", "/a.png;x"),
    ],
)
def test_it_is_refused(kind: str, value: str, path: str) -> None:
    assert re.fullmatch(spellings(PathMatch(PathKind(kind), value)), path)


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        ("prefix", "/admin", "/admins"),
        ("prefix", "/admin", "/x/admin"),
        ("prefix", "/admin", "/x%2fadmin"),
        ("prefix", "/admin", "/x/..admin"),
        ("prefix", "/a.b", "/aXb"),
        ("exact", "/a", "/a/"),
        ("exact", "/a", "/a/b"),
        ("stringPrefix", "/a-", "/a"),
        ("suffix", ".png", "/a.png/b"),
        ("suffix", ".png", "/apng"),
    ],
)
def test_it_is_another_path(kind: str, value: str, path: str) -> None:
    assert not re.fullmatch(spellings(PathMatch(PathKind(kind), value)), path)
