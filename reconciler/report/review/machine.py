"""A review as JSON values for machines. Field names are camelCase and stay as they are."""

from __future__ import annotations

from typing import Any

from reconciler.model.reviews import Alert, Place, Review, Reviewed, TargetReview
from reconciler.report.plan_json import change_json, commit_json, field_json, findings_json, verdict_json


def review_json(review: Review) -> dict[str, Any]:
    return {
        "head": commit_json(review.head),
        "base": commit_json(review.base),
        "merged": review.merged,
        "live": review.live,
        "at": review.at.isoformat(),
        "facts": review.facts,
        "fingerprint": review.fingerprint,
        "exitCode": review.code,
        "alerts": [_alert(alert) for alert in review.alerts],
        "targets": [_target(target) for target in review.targets],
        "findings": findings_json(review.findings),
        "earlierFindings": findings_json(review.earlier),
        "verdicts": [verdict_json(verdict) for verdict in review.verdicts],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "kind": str(alert.kind),
        "text": alert.text,
        "target": str(alert.target) if alert.target else None,
        "items": list(alert.items),
        "places": [_place(place) for place in alert.places],
        "hint": alert.hint,
    }


def _target(target: TargetReview) -> dict[str, Any]:
    return {
        "cluster": target.target.cluster,
        "mesh": target.target.mesh,
        "mode": target.mode,
        "error": target.error,
        "guards": list(target.guards),
        "confirm": target.confirm,
        "caused": [_reviewed(one) for one in target.caused],
        "drift": [_reviewed(one) for one in target.drift],
        "waiting": [_reviewed(one) for one in target.waiting],
    }


def _reviewed(one: Reviewed) -> dict[str, Any]:
    return {
        **change_json(one.change),
        "fields": [field_json(field) for field in one.fields],
        "places": [_place(place) for place in one.places],
        "note": one.note,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "line": place.line,
        "commit": place.commit,
        "document": place.document,
        "changed": place.changed,
    }
