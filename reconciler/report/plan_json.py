"""A plan, findings and a recap as JSON values for machines. Field names are camelCase and stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from reconciler.model.commits import Commit
from reconciler.model.findings import Finding
from reconciler.model.native import Verdict
from reconciler.model.plans import ApplyResult, Change, FieldChange, Plan, Recap, TargetPlan
from reconciler.model.refs import ObjectKey


def plan_json(plan: Plan, commit: Commit) -> dict[str, Any]:
    return {
        "revision": plan.revision,
        "commit": commit_json(commit),
        "fingerprint": plan.fingerprint,
        "targets": [_target(target) for target in plan.targets],
        "verdicts": [verdict_json(verdict) for verdict in plan.verdicts],
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "target": str(verdict.target),
        "policy": verdict.policy,
        "capability": verdict.capability,
        "level": verdict.level,
        "action": verdict.action,
        "note": verdict.note,
        "side": verdict.side,
        "via": verdict.via,
        "destinations": [str(one) for one in verdict.destinations],
    }


def commit_json(commit: Commit) -> dict[str, Any]:
    return {
        "sha": commit.sha,
        "author": commit.author,
        "committer": commit.committer,
        "message": commit.message,
        "signature": commit.signature,
        "time": commit.commit_time.isoformat() if commit.commit_time else None,
    }


def findings_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "severity": str(finding.severity),
            "code": finding.code,
            "message": finding.message,
            "path": finding.position.path,
            "line": finding.position.line,
            "column": finding.position.column,
            "hint": finding.hint,
            "target": str(finding.target) if finding.target else None,
            "documents": [str(ref) for ref in finding.documents],
        }
        for finding in findings
    ]


def recap_json(rows: Sequence[Recap]) -> list[dict[str, Any]]:
    return [_recap_row(row) for row in rows]


def _recap_row(row: Recap) -> dict[str, Any]:
    counts = {name: value for name, value in asdict(row).items() if name != "read_only"}
    return {**counts, "target": str(row.target), "readOnly": row.read_only}


def results_json(results: Sequence[ApplyResult]) -> list[dict[str, Any]]:
    return [
        {
            "target": str(result.change.target),
            "object": key_json(result.change.key),
            "action": str(result.change.action),
            "outcome": str(result.outcome),
            "message": result.message,
            "seconds": round(result.duration, 6),
            "event": result.event_id,
        }
        for result in results
    ]


def key_json(key: ObjectKey) -> dict[str, str]:
    return {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}


def _target(target: TargetPlan) -> dict[str, Any]:
    return {
        "cluster": target.target.cluster,
        "mesh": target.target.mesh,
        "mode": str(target.mode),
        "readOnly": target.read_only,
        "error": target.error,
        "suspended": target.suspended,
        "guards": list(target.guards),
        "confirm": target.guard_fingerprint,
        "changes": [change_json(change) for change in target.changes],
        "health": [
            {"object": key_json(one.key), "state": str(one.health.state), "message": one.health.message}
            for one in target.health
        ],
    }


def change_json(change: Change) -> dict[str, Any]:
    return {
        "action": str(change.action),
        "object": key_json(change.key),
        "causes": [str(cause) for cause in change.causes],
        "drifted": change.drifted,
        "adopt": change.adopt,
        **({"lent": True} if change.lent else {}),
        "withheld": str(change.withheld) if change.withheld else None,
        "why": change.why,
        "fields": [field_json(field) for field in change.fields],
        "origins": [
            {
                "document": str(origin.ref),
                "path": origin.position.path,
                "line": origin.position.line,
                "commit": origin.commit,
            }
            for origin in change.origins
        ],
        "beforeHash": change.before_hash,
        "afterHash": change.after_hash,
    }


def field_json(field: FieldChange) -> dict[str, Any]:
    author = field.author
    return {
        "path": field.path,
        "op": field.op,
        "before": field.before,
        "after": field.after,
        "drift": field.drift,
        "author": {"manager": author.manager, "operation": author.operation, "time": author.time} if author else None,
    }
