"""The last run as text: one head, one line per target, then what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.plans import Recap
from reconciler.model.refs import TargetId
from reconciler.report.paint import Paint
from reconciler.report.recap_text import COUNTS, recap_text


def status_text(status: Mapping[str, Any], paint: Paint, routes: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """``status`` as ``reconciler.pipeline.remember`` keeps it; ``routes`` of notifications as ``notify`` does."""
    role = "good" if status["exitCode"] == 0 else "error" if status["exitCode"] in (1, 5) else "warning"
    lines = [
        f"source    {status['source']}",
        f"commit    {status['revision'][:12]} {status['subject']!r}",
        f"last run  {status['time'][:19]}Z, {status['trigger']}, {paint(status['result'], role)} ({status['run']})",
        "",
        recap_text([_row(row) for row in status["targets"]], paint),
    ]
    lines.extend(f"{row['target']}: {paint(row['error'], 'error')}" for row in status["targets"] if row["error"])
    held = [row for row in status["targets"] if row.get("suspended")]
    lines.extend(f"{row['target']}: {paint(row['suspended'], 'withheld')}" for row in held)
    own = [row for row in status["targets"] if "own" in row]
    lines.extend(f"{row['target']}: its own round ended {row['own'][:19]}Z" for row in own)
    lines.extend(f"  {finding}" for finding in status["findings"])
    unserved = [(name, one) for name, one in sorted((routes or {}).items()) if one.get("error")]
    lines.extend(
        f"{name}: {paint('nobody is notified since ' + one['since'][:19] + 'Z: ' + one['error'], 'warning')}"
        for name, one in unserved
    )
    return "\n".join(lines)


def _row(row: Mapping[str, Any]) -> Recap:
    cluster, _, mesh = row["target"].partition("/")
    counts = {name: row.get(name, 0) for name in COUNTS}
    return Recap(TargetId(cluster, mesh), **counts, read_only=row.get("readOnly", False))
