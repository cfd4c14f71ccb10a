"""The report as an HTML page: the Markdown of the comment, rendered. It loads nothing and runs nothing."""

from __future__ import annotations

from reconciler.model.reviews import Review
from reconciler.report.review.comment import comment
from reconciler.report.review.showing import Showing

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328;
  background: #fff }
table { border-collapse: collapse } th, td { border: 1px solid #d1d9e0; padding: .3rem .8rem }
code { background: #eff1f3; padding: .1rem .3rem; border-radius: 4px; font: 12px ui-monospace, monospace }
pre { background: #f6f8fa; padding: .8rem; overflow: auto; border-radius: 6px }
pre code { background: none; padding: 0 }
details { border: 1px solid #d1d9e0; border-radius: 6px; padding: .5rem 1rem; margin: .6rem 0 }
summary { cursor: pointer; font-weight: 600 } li { margin: .3rem 0 } a { color: #0969da }
.added { color: #116329; background: #dafbe1 } .gone { color: #82071e; background: #ffebe9 }
@media print { details > * { display: block } }
"""
#: the page may hold text of strangers, so nothing in it may load or run
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(review: Review, showing: Showing) -> str:
    """A whole page of its own."""
    from markdown_it import MarkdownIt  # half of a tenth of a second, and only where a page is asked for

    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    body = _coloured(str(reader.render(comment(review, showing))))
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>Mesh plan</title><style>{_STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )


def _coloured(html: str) -> str:
    """The lines of ``diff`` blocks by their first letter; what is in them is escaped already."""
    parts = html.split('<pre><code class="language-diff">')
    made = [parts[0]]
    for part in parts[1:]:
        rows, rest = part.split("</code></pre>", 1)
        shown = "\n".join(_row(row) for row in rows.split("\n"))
        made.append(f'<pre><code class="language-diff">{shown}</code></pre>{rest}')
    return "".join(made)


def _row(row: str) -> str:
    name = {"+": "added", "-": "gone"}.get(row[:1])
    return f'<span class="{name}">{row}</span>' if name else row
