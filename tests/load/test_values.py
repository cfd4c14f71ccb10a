"""Small values: words of YAML, durations, field paths, expressions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.load.scalars import AmbiguousScalar, resolve
from reconciler.load.values import field_path, kind_id, regex_problem, seconds
from reconciler.model.refs import KindId
from reconciler.plan.paths import parse


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False), ("yes", "yes"), ("on", "on"),
        ("12:30", "12:30"), ("12:30:45", "12:30:45"), ("2024-01-31", "2024-01-31"), ("1_000", "1_000"),
        ("0", 0), ("-7", -7), ("No", "No"),
        ("+7", 7), ("1e3", 1000.0), ("1.5", 1.5), (".5", 0.5), ("0.5", 0.5), ("-0.5", -0.5),
        ("1.2.3", "1.2.3"), ("-", "-"),
        (".", "."), ("1s", "1s"), ("=", "="), ("<<", "<<"), ("tRue", "tRue"), ("0.0.0.0", "0.0.0.0"),
    ],
)  # fmt: skip
def test_words(word: str, value: object) -> None:
    found = resolve(word)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "word", ["0755", "-01", "00", "08", "007.5", "0o17", "0x1F", ".inf", "-.INF", ".nan", "1e999", "9" * 20]
)
def test_words_that_need_quotes(word: str) -> None:
    with pytest.raises(AmbiguousScalar, match="quote"):
        resolve(word)


@given(st.text(max_size=20))
def test_every_word_means_something(word: str) -> None:
    try:
        value = resolve(word)
    except AmbiguousScalar:
        value = None
    assert value is None or isinstance(value, (bool, int, float, str))


def test_durations() -> None:
    assert [seconds(text) for text in ("1h2m3s4ms", "250ms", "90s", "2m", "0s")] == [3723.004, 0.25, 90, 120, 0]


def test_kinds() -> None:
    assert kind_id("networking.istio.io/v1/VirtualService") == KindId("networking.istio.io", "VirtualService")
    assert kind_id("v1/Namespace") == KindId("", "Namespace")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$.spec.http[*].timeout", "spec.http[*].timeout"),
        ("spec.http[0].timeout", "spec.http[*].timeout"),
        ("/spec/http/0/timeout", "spec.http[*].timeout"),
        ("$['spec']['http']", "spec.http"),
        ("/metadata/annotations/a.b~1c", 'metadata.annotations["a.b/c"]'),
        ("$.metadata.annotations['a.b/c']", 'metadata.annotations["a.b/c"]'),
        ("spec.http.*.timeout", "spec.http[*].timeout"),
    ],
)
def test_field_paths(text: str, path: str) -> None:
    assert field_path(text) == path
    assert "*" not in parse(path) or "[*]" in path


@pytest.mark.parametrize("text", ["", "$", "a..b", "/a//b", "a[x]", "a b", "a[", "/"])
def test_no_field_paths(text: str) -> None:
    assert field_path(text) is None


@pytest.mark.parametrize(
    "text",
    ["^/a/[0-9]+$", "(?i)abc", "a{1,3}", r"\d+\.\w*", r"\pN+", "[[:alpha:]]+", "(?P<n>a)", "a+?", r"\\1", r"\++"],
)
def test_expressions(text: str) -> None:
    assert regex_problem(text) == ""


@pytest.mark.parametrize("text", ["(a", "[a", "*a", "a(?=b)", "(?<!a)b", r"(a)\1", "a++", "a{2}+", "(?P<n"])
def test_no_expressions(text: str) -> None:
    assert regex_problem(text) != ""
