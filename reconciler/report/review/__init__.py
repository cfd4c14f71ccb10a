"""The report of a pull request: one comment, the statuses of its head, and the same as HTML and JSON."""

from reconciler.report.review.comment import comment as comment
from reconciler.report.review.machine import review_json as review_json
from reconciler.report.review.marker import differs as differs
from reconciler.report.review.marker import is_ours as is_ours
from reconciler.report.review.page import page as page
from reconciler.report.review.showing import Showing as Showing
from reconciler.report.review.statuses import review_statuses as review_statuses
