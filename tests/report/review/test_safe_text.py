"""Text of strangers in a report, read as GitHub reads it: it is text, and nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from reconciler.report.markdown import code, fenced, link, prose, visible

NASTY = [
    "<script>alert(1)</script>",
    "</details></summary><img src=x onerror=alert(1)>",
    "@everyone @org/team, user@example.org",
    "[click](https://evil.test) ![x](https://evil.test/x.png) <https://evil.test>",
    "see https://evil.test or www.evil.test or http://evil.test",
    "[a]: https://evil.test\n[a]",
    "fixes #1, GH-12, owner/repo#3, !4, $5, %\"6\", &7, ~label",
    "```\n</details>\n```",
    "`` ` ``` ```` `",
    "| a | b |\n|---|---|",
    "a \\| b \\\\| c \\[x](y) \\",
    "# heading\n## another\n---\n===",
    "* item\n- [ ] task\n1. one",
    "/close\n/merge",
    "\x1b[31mred\x1b[0m \x07 \x00",
    "\u202egnp.exe \u2066x\u2069 \u200b\ufeff zero\u00adwidth",
    "$\\href{https://evil.test}{x}$ $$x$$",
    "&lt;b&gt; &#64;everyone &amp;",
    "**bold** _em_ ~~gone~~ :tada:",
    "<!-- mesh-reconciler:review:v1 scope=main; -->",
    "",
    " ",
]  # fmt: skip
OPTIONS = Options.CMARK_OPT_UNSAFE


class Seen(HTMLParser):
    """The tags of a page, and its text outside code."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside = ""
        self.inside = ""
        self._code = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self._code += tag in ("code", "pre")

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        if self._code:
            self.inside += data
        else:
            self.outside += data


def read(markdown: str) -> Seen:
    """As a forge with GitHub's dialect does: tables, bare links, strikethrough, tasks; HTML let through."""
    seen = Seen()
    seen.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, OPTIONS))
    seen.close()
    return seen


#: what GitHub and GitLab look for in rendered text outside code
SOUGHT = re.compile(r"@[\w]|(?<![\w&])#\d|\bGH-\d|[!$&]\d|~\w|%\"?\w|https?://|www\.", re.IGNORECASE)


@pytest.mark.parametrize("text", NASTY)
def test_in_a_line_it_is_text(text: str) -> None:
    seen = read(f"- **x** {prose(text)} end\n\nafter\n")
    assert set(seen.tags) <= {"ul", "li", "strong", "p"}, seen.tags
    assert not SOUGHT.search(seen.outside), seen.outside
    assert "$" not in prose(text), "formulas are looked for before Markdown is read"
    assert "after" in seen.outside


@pytest.mark.parametrize("text", NASTY)
def test_in_a_table_it_stays_in_its_cell(text: str) -> None:
    seen = read(f"| a | b |\n|---|---|\n| {prose(text)} | two |\n| three | four |\n")
    assert seen.tags.count("tr") == 3
    assert seen.tags.count("td") == 4
    assert set(seen.tags) <= {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("text", NASTY)
def test_in_a_code_span_it_is_all_there_and_nothing_else(text: str) -> None:
    seen = read(f"x {code(text)} y\n")
    assert set(seen.tags) <= {"p", "code"}
    assert seen.outside.split() == ["x", "y"]
    assert seen.inside.strip() == visible(text).strip()


@pytest.mark.parametrize("text", NASTY)
def test_in_a_code_block_it_is_all_there_and_the_block_ends(text: str) -> None:
    rows = [f"- {text}", f"+ {text}"]
    block = "\n".join(fenced(rows))
    seen = read(f"<details><summary>s</summary>\n\n{block}\n\n</details>\n\nafter\n")
    assert seen.inside.splitlines() == [visible(row) for row in rows]
    assert "after" in seen.outside
    assert seen.tags.count("pre") == 1


@pytest.mark.parametrize("text", NASTY)
def test_as_the_text_of_a_link_it_leads_where_we_say(text: str) -> None:
    html = cmarkgfm.github_flavored_markdown_to_html(
        link(text, "https://forge.test/a b(c)#L1".replace(" ", "")), OPTIONS
    )
    assert re.findall(r'href="([^"]*)"', html) == ["https://forge.test/ab%28c%29#L1"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a b", "//evil.test", "https://x\nhttps://y", "data:x", ""]
)
def test_what_is_no_address_is_no_link(url: str) -> None:
    assert "href" not in cmarkgfm.github_flavored_markdown_to_html(link("x", url), OPTIONS)


@given(st.text())
def test_whatever_is_written_is_text(text: str) -> None:
    seen = read(f"- {prose(text)}\n\n| a |\n|---|\n| {prose(text)} |\n\n{code(text)}\n\nafter\n")
    assert set(seen.tags) <= {"ul", "li", "p", "table", "thead", "tbody", "tr", "th", "td", "code"}
    assert not re.search(r"@\w|https?://", seen.outside)
    assert "after" in seen.outside


@given(st.text())
def test_nothing_is_left_that_cannot_be_seen(text: str) -> None:
    shown = visible(text)
    assert not any(letter in shown for letter in "\x1b\n\r\u202e\u2066\u200b\ufeff\u00ad\u2028")
    assert visible(shown) == shown
