"""The report as one comment: numbers, a table, warnings, then the rest folded; cut by whole items to what fits."""

from __future__ import annotations

from reconciler.model.reviews import Review
from reconciler.report.markdown import code, cut, prose
from reconciler.report.review.details import caused, drift, waiting
from reconciler.report.review.fitting import Fitted, Section, fit
from reconciler.report.review.headline import table, title
from reconciler.report.review.marker import marker
from reconciler.report.review.remarks import findings, verdicts
from reconciler.report.review.showing import Showing
from reconciler.report.review.warnings import warnings


def comment(review: Review, showing: Showing) -> str:
    """Markdown of at most ``showing.limit`` bytes. What is not in it is counted.

    ValueError for a scope that cannot be one."""
    head = f"{marker(showing.scope, folds=showing.folds)}\n\n{title(review)}"
    tail = _footer(review, showing)
    spare = _size(head) + _size(tail) + _size(_cut(Fitted("", 10**6, 10**6), showing))
    fitted = fit(_sections(review, showing), max(showing.limit - spare, 1) if showing.limit else 0)
    return f"{head}{fitted.text}{_cut(fitted, showing)}{tail}"


def _sections(review: Review, showing: Showing) -> list[Section]:
    parts = [warnings(review, showing), *caused(review, showing), drift(review, showing)]
    parts += [findings(review, showing), verdicts(review, showing), waiting(review, showing)]
    return [table(review), *parts] if review.targets else parts


def _cut(fitted: Fitted, showing: Showing) -> str:
    """That something is missing, and where it is."""
    if not fitted.left_out and not fitted.shortened:
        return ""
    where = f" The whole report: {prose(cut(showing.artifact, 300))}." if showing.artifact else ""
    return (
        f"**Not all of it fits into a comment**: {fitted.left_out} entries are left out, {fitted.shortened} are shown"
        f" without their content.{where}\n\n"
    )


def _footer(review: Review, showing: Showing) -> str:
    head, base = review.head.sha, review.base.sha
    told = [f"Plan {code(review.fingerprint[:12])}"] if review.fingerprint else []
    told += [f"head {code(head[:12])}", f"{'first parent' if review.merged else 'base'} {code(base[:12])}"]
    told += [f"at {code(review.at.strftime('%Y-%m-%dT%H:%M:%SZ'))}"]
    lines = [", ".join(told) + "."]
    if review.live:
        lines.append("It holds until the head or what lives changes.")
    lines.append(f"All of it: {code(cut(showing.command or _command(review), 300))}")
    return "\n".join(["---", *(f"{line}  " for line in lines)]) + "\n"


def _command(review: Review) -> str:
    head = "" if review.head.sha == "worktree" else f" --rev {review.head.sha[:12]}"
    return f"reconciler plan{head}" if review.live else f"reconciler plan{head} --against {review.base.sha[:12]}"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
