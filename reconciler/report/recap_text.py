"""The recap at the end of a run, findings, and progress lines: as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from reconciler.model.findings import Finding, Severity
from reconciler.model.plans import ApplyResult, Outcome, Recap
from reconciler.report.paint import Paint

COUNTS = tuple(field.name for field in fields(Recap) if field.name not in ("target", "read_only"))
_COLOUR = {"ok": "good", "changed": "update", "pruned": "prune", "drifted": "drift", "blocked": "withheld"}
_BAD = ("failed", "unreachable", "late", "degraded")
_RARE = ("late", "progressing", "degraded")


def recap_text(rows: Sequence[Recap], paint: Paint) -> str:
    """``target : ok=4 changed=1 …``, one line per target, in columns; some only where something is."""
    names = [name for name in COUNTS if name not in _RARE or any(getattr(row, name) for row in rows)]
    width = max((len(str(row.target)) for row in rows), default=0)
    widths = {name: len(name) + 2 + max((len(str(getattr(row, name))) for row in rows), default=1) for name in names}
    lines = [paint("RECAP", "heading")]
    for row in rows:
        cells = []
        for name in names:
            count = getattr(row, name)
            text = f"{name}={count}".ljust(widths[name])
            role = "dim" if not count else "error" if name in _BAD else _COLOUR.get(name, "dim")
            cells.append(paint(text, role))
        access = paint("  read-only", "dim") if row.read_only else ""
        lines.append(f"{str(row.target).ljust(width)} : {''.join(cells).rstrip()}{access}")
    return "\n".join(lines)


def findings_text(findings: Sequence[Finding], paint: Paint) -> str:
    """One finding a line as ``path:line:column severity code message``, its hint below; then the count."""
    lines = []
    for finding in findings:
        place = str(finding.position) if finding.position.path else str(finding.target or "-")
        severity = str(finding.severity)
        lines.append(f"{place} {paint(severity, severity)} {finding.code} {finding.message}")
        if finding.hint:
            lines.append(paint(f"    {finding.hint}", "dim"))
    return "\n".join(lines)


def findings_count(findings: Sequence[Finding]) -> str:
    errors = sum(1 for finding in findings if finding.severity is Severity.ERROR)
    warnings = sum(1 for finding in findings if finding.severity is Severity.WARNING)
    return f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"


def result_line(result: ApplyResult, paint: Paint) -> str:
    """What became of one change, while it happens."""
    change = result.change
    role = {Outcome.CHANGED: "update", Outcome.PRUNED: "prune", Outcome.SKIPPED: "dim"}.get(result.outcome, "error")
    text = f"{str(result.outcome).ljust(11)} {change.target}  {change.key}"
    return paint(text, role) + (f"\n    {result.message}" if result.message else "")
