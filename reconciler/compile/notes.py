"""What is learnt on the way through one target: findings, holds, verdicts, ties. Written to by every step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.findings import Finding, Position
from reconciler.model.intents import Hold
from reconciler.model.native import Verdict
from reconciler.model.refs import DocRef, TargetId

APPLIED = "Applied"
REFUSED = "Refused"


class Notes:
    """Gathers without duplicates; ``target`` is set on every finding and hold. The order of writing is kept out
    of the result: each property is sorted."""

    def __init__(self, target: TargetId) -> None:
        self.target = target
        self.matched: set[DocRef] = set()
        self._findings: set[Finding] = set()
        self._holds: dict[DocRef | None, Hold] = {}
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._ties: set[Position] = set()

    def find(self, finding: Finding) -> Finding:
        placed = replace(finding, target=self.target)
        self._findings.add(placed)
        return placed

    def hold(self, ref: DocRef | None, finding: Finding) -> None:
        """Keep what the document contributed here; of several reasons the first in order of findings is kept."""
        placed = self.find(finding)
        known = self._holds.get(ref)
        if known is None or known.finding is None or placed.sort_key < known.finding.sort_key:
            self._holds[ref] = Hold(ref, self.target, placed.message, placed)

    def verdict(self, policy: DocRef, capability: str, level: str, action: str, note: str = "") -> None:
        """Say what becomes of a capability; a refusal is never overwritten by an application."""
        key = (str(policy), capability)
        known = self._verdicts.get(key)
        verdict = Verdict(self.target, str(policy), capability, level, action, note)
        worse = known is not None and known.action == APPLIED and action == REFUSED
        if known is None or worse or (known.action == action and note < known.note):
            self._verdicts[key] = verdict

    def refuse(self, policy: DocRef, capabilities: Iterable[str], *findings: Finding) -> None:
        """Refuse a whole policy (or these parts of it) here: findings, a hold, and a verdict for each capability."""
        for finding in findings:
            self.hold(policy, finding)
        why = min(findings, key=lambda finding: finding.sort_key).message
        for capability in capabilities:
            known = self._verdicts.get((str(policy), capability))
            self.verdict(policy, capability, known.level if known else "None", REFUSED, why)

    def tie(self, positions: Iterable[Position]) -> None:
        self._ties.update(positions)

    @property
    def findings(self) -> list[Finding]:
        return sorted(self._findings, key=lambda finding: finding.sort_key)

    @property
    def holds(self) -> list[Hold]:
        return [self._holds[ref] for ref in sorted(self._holds, key=str)]

    @property
    def verdicts(self) -> list[Verdict]:
        return [self._verdicts[key] for key in sorted(self._verdicts)]

    @property
    def ties(self) -> list[Position]:
        return sorted(self._ties)
