"""The head and tail of a part that folds, where the forge folds; else a heading."""

from __future__ import annotations

import html

from reconciler.report.markdown import cut, prose, visible
from reconciler.report.review.showing import Showing


def folded(name: str, words: str, showing: Showing) -> tuple[str, str]:
    """``name`` is of a manifest, or ""; ``words`` are ours. Inside ``<summary>`` a forge reads HTML."""
    if not showing.folds:
        return f"### {' '.join(part for part in (prose(cut(name, 200)), words) if part)}\n\n", ""
    shown = f"<code>{html.escape(visible(cut(name, 200)))}</code> " if name else ""
    return f"<details><summary>{shown}{html.escape(words)}</summary>\n\n", "\n</details>\n\n"
