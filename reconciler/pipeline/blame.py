"""Since which commit the lines that matter have read so: asked of Git for what a plan changes, and for conflicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from reconciler.model.findings import Finding, Position
from reconciler.model.intents import Origin
from reconciler.model.plans import Change, Plan
from reconciler.ports import Source, SourceError

FILES = 50  # one `git blame` each; a plan that touches more (a first one) names its head commit only


@dataclass
class Lines:
    """Looks up the commits of lines, each file once."""

    source: Source
    revision: str
    files: dict[str, list[str]] = field(default_factory=dict)

    def commit(self, place: Position) -> str:
        """Sha, "worktree" for a line that is not committed, "" where history does not tell."""
        if place.path not in self.files:
            self.files[place.path] = self._read(place.path)
        lines = self.files[place.path]
        return lines[place.line - 1] if 0 < place.line <= len(lines) else ""

    def _read(self, path: str) -> list[str]:
        try:
            return list(self.source.line_commits(self.revision, path))
        except SourceError:
            return []


def with_commits(plan: Plan, source: Source) -> Plan:
    """The plan with the commit of each pending change's origins, and with the commits of conflicting policies."""
    lines = Lines(source, plan.revision)
    pending = [change for change in plan.changes if change.pending]
    conflicts = [finding for finding in plan.findings if finding.also]
    if not pending and not conflicts:
        return plan
    if len(_paths(pending, conflicts)) > FILES:
        pending = []
    known = {id(change) for change in pending}
    targets = tuple(
        replace(target, changes=tuple(_told(c, lines) if id(c) in known else c for c in target.changes))
        for target in plan.targets
    )
    return replace(plan, targets=targets, findings=tuple(_worded(finding, lines) for finding in plan.findings))


def _paths(changes: Iterable[Change], findings: Iterable[Finding]) -> set[str]:
    origins = {origin.position.path for change in changes for origin in change.origins}
    return {*origins, *(finding.position.path for finding in findings)} - {""}


def _told(change: Change, lines: Lines) -> Change:
    return replace(change, origins=tuple(_origin(origin, lines) for origin in change.origins))


def _origin(origin: Origin, lines: Lines) -> Origin:
    return replace(origin, commit=lines.commit(origin.position)) if origin.position.path else origin


def _worded(finding: Finding, lines: Lines) -> Finding:
    """A conflict with the commit of each side."""
    if not finding.also:
        return finding
    told = [f"{place.path}:{place.line} {_short(lines.commit(place))}" for place in (finding.position, *finding.also)]
    return replace(finding, message=f"{finding.message} [{'; '.join(told)}]")


def _short(commit: str) -> str:
    if not commit:
        return "commit unknown"
    return "not committed" if commit == "worktree" else f"commit {commit[:8]}"
