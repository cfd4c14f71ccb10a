"""The report as a page: what strangers wrote is text in it, and it loads and runs nothing."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from reconciler.model.plans import FieldChange
from reconciler.model.refs import TargetId
from reconciler.model.reviews import Alert, AlertKind, Place, TargetReview
from reconciler.report.markdown import visible
from reconciler.report.review import Showing, page
from tests.report.review.test_fitting import change, review
from tests.report.review.test_safe_text import NASTY

KNOWN = {
    "html", "head", "meta", "title", "style", "body", "h2", "h3", "h4", "p", "table", "thead", "tbody", "tr", "th",
    "td", "ul", "li", "strong", "br", "code", "pre", "details", "summary", "hr", "span", "a",
}  # fmt: skip


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str]] = set()
        self.links: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(text: str) -> Seen:
    made = Seen()
    made.feed(text)
    made.close()
    return made


@pytest.mark.parametrize("text", NASTY)
def test_what_strangers_wrote_is_text(text: str) -> None:
    one = change(1)
    fields = (FieldChange("spec.note", "change", text, "after"), FieldChange(text or "x", "add", None, {"a": text}))
    nasty = replace(one, fields=fields, note=text)
    target = TargetReview(TargetId(text, text), (nasty,), error=text)
    alert = Alert(AlertKind.DELETE, text, target.target, (text,), hint=text)
    made = seen(page(replace(review(4, 1), targets=(target,), alerts=(alert,)), Showing()))
    assert set(made.tags) <= KNOWN
    assert not {name for _, name in made.attributes if name.startswith("on")}
    assert made.links == set()
    if text.strip() and text.isprintable():
        assert visible(text) in made.text, "and it is all there"


def test_the_page_is_one_that_may_load_nothing() -> None:
    made = review(40)
    first = replace(made.targets[0], caused=(replace(change(1), places=(Place("p.yaml", 3, "a" * 40),)),))
    with_place = replace(made, targets=(first, *made.targets[1:]))
    text = page(with_place, Showing(lambda commit, path, line: f"https://forge.test/{commit}/{path}#L{line}"))
    assert "default-src 'none'" in text
    assert "<script" not in text
    shown = seen(text)
    assert shown.tags.count("pre") == 31
    assert {"added", "gone"} <= {part.split('"')[1] for part in text.split("<span class=")[1:]}
    assert shown.links == {f"https://forge.test/{'a' * 40}/p.yaml#L3"}
