"""What the head of a pull request is marked with."""

from __future__ import annotations

from reconciler.model.findings import Severity
from reconciler.model.forges import CommitStatus, StatusState
from reconciler.model.plans import BLOCKING
from reconciler.model.reviews import AlertKind, Review
from reconciler.report.markdown import cut, visible
from reconciler.report.review.headline import counts
from reconciler.report.values import plural

PLAN, DRIFT, APPLY = "reconciler/plan", "reconciler/drift", "reconciler/apply"
LONGEST = 140  # what the strictest forge takes


def review_statuses(review: Review, url: str = "") -> tuple[CommitStatus, ...]:
    """Of the plan; and of drift, where it was looked for."""
    plan = _status(PLAN, *_plan(review), url)
    if not review.live or review.plan is None:
        return (plan,)
    if any(target.error for target in review.targets):
        state = StatusState.ERROR
    else:
        state = StatusState.FAILURE if review.drifted else StatusState.SUCCESS
    unread = sum(1 for target in review.targets if target.error)
    words = f"{plural(review.drifted, 'object')} drifted" if review.drifted else "nothing has drifted"
    return (plan, _status(DRIFT, state, words + (f"; {plural(unread, 'target')} not read" if unread else ""), url))


def _plan(review: Review) -> tuple[StatusState, str]:
    errors = sum(1 for finding in review.findings if finding.severity is Severity.ERROR)
    if review.plan is None or errors or any(alert.kind is AlertKind.REJECTED for alert in review.alerts):
        return StatusState.FAILURE, f"{plural(errors, 'error')}; {counts(review)}"
    stopped = sum(1 for t in review.targets for one in t.caused if one.change.withheld in BLOCKING)
    if stopped:
        return StatusState.FAILURE, f"{stopped} withheld; {counts(review)}"
    if review.code == 1:
        return StatusState.FAILURE, f"the target branch has errors; {counts(review)}"
    if review.code == 4:
        return StatusState.ERROR, f"not all clusters could be read; {counts(review)}"
    return StatusState.SUCCESS, counts(review)


def _status(context: str, state: StatusState, words: str, url: str) -> CommitStatus:
    return CommitStatus(context, state, cut(visible(words), LONGEST), url)
