"""What is learnt on the way through one target: findings, holds, verdicts, ties. Written to by every step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model.findings import Finding, Position
from reconciler.model.intents import Hold
from reconciler.model.native import Verdict
from reconciler.model.refs import DocRef, ServiceRef, TargetId

APPLIED = "Applied"
DEGRADED = "Degraded"
REFUSED = "Refused"
_SEVERITY = {APPLIED: 0, DEGRADED: 1, REFUSED: 2}
_Destinations = tuple[ServiceRef, ...]


class Notes:
    """Gathers without duplicates; ``target`` is set on every finding and hold. The order of writing is kept out
    of the result: each property is sorted."""

    def __init__(self, target: TargetId) -> None:
        self.target = target
        self.matched: set[DocRef] = set()
        self.items: set[Position] = set()  # items of ``to`` that mean something here
        self._findings: set[Finding] = set()
        self._holds: dict[DocRef | None, Hold] = {}
        self._verdicts: dict[tuple[str, str], dict[_Destinations, Verdict]] = {}
        self._rejected: set[Finding] = set()
        self._ties: set[Position] = set()

    def again(self) -> Notes:
        """The same notes by themselves, to go on from them in another way."""
        made = Notes(self.target)
        made.matched, made.items = set(self.matched), set(self.items)
        made._findings, made._holds = set(self._findings), dict(self._holds)
        made._verdicts = {key: dict(said) for key, said in self._verdicts.items()}
        made._rejected, made._ties = set(self._rejected), set(self._ties)
        return made

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

    def keep(self, ref: DocRef, reason: str) -> None:
        """Keep what the document contributed here, for a reason that is told elsewhere."""
        self._holds.setdefault(ref, Hold(ref, self.target, reason))

    def verdict(
        self,
        policy: DocRef,
        capability: str,
        level: str,
        action: str,
        note: str = "",
        side: str = "",
        via: str = "",
        destinations: _Destinations = (),
    ) -> None:
        """Say what becomes of a capability on some destinations (none: on all that the policy is about)."""
        name = str(policy)
        said = self._verdicts.setdefault((name, capability), {})
        known = said.get(destinations)
        verdict = Verdict(self.target, name, capability, level, action, note, side, via, destinations)
        worse = known is not None and _SEVERITY[action] > _SEVERITY[known.action]
        if known is None or worse or (known.action == action and note < known.note):
            said[destinations] = verdict

    def tell(
        self, policy: DocRef, rows: Iterable[tuple[str, str, str, str, str, str]], destinations: _Destinations
    ) -> None:
        """Verdicts of one policy on the same destinations: capability, level, action, note, side and via of each."""
        name = str(policy)
        for row in rows:
            place = (name, row[0])
            if place in self._verdicts:
                self.verdict(policy, *row, destinations)
            else:
                self._verdicts[place] = {destinations: Verdict(self.target, name, *row, destinations)}

    def refuse(
        self, policy: DocRef, capabilities: Iterable[str], *findings: Finding, destinations: _Destinations = ()
    ) -> None:
        """Refuse a whole policy (or these parts of it) on some destinations: findings, a hold, and a verdict for each
        capability."""
        for finding in findings:
            self.hold(policy, finding)
        why = min(findings, key=lambda finding: finding.sort_key).message
        for capability in capabilities:
            known = next(iter(self._verdicts.get((str(policy), capability), {}).values()), None)
            level, side, via = (known.level, known.side, known.via) if known else ("None", "", "")
            self.verdict(policy, capability, level, REFUSED, why, side, via, destinations)

    def refuse_known(self, policy: DocRef, finding: Finding, destinations: _Destinations = ()) -> None:
        """Refuse on some destinations all of a policy that has a verdict by now."""
        known = [capability for named, capability in self._verdicts if named == str(policy)]
        self.refuse(policy, known, finding, destinations=destinations)

    def reject(self, finding: Finding) -> None:
        """Reject the whole run for it."""
        self._rejected.add(self.find(finding))

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
        return [one for key in sorted(self._verdicts) for one in _without_overlap(self._verdicts[key])]

    @property
    def rejected(self) -> list[Finding]:
        return sorted(self._rejected, key=lambda finding: finding.sort_key)

    @property
    def ties(self) -> list[Position]:
        return sorted(self._ties)


def _without_overlap(said: Mapping[_Destinations, Verdict]) -> list[Verdict]:
    """One verdict for each destination: of several the most severe, and equal ones as one."""
    if len(said) == 1:
        return list(said.values())
    worst = sorted(said.values(), key=lambda one: (-_SEVERITY[one.action], one.note, one.destinations))
    seen: set[ServiceRef] = set()
    joined: dict[Verdict, set[ServiceRef]] = {}
    for one in worst:
        left = set(one.destinations) - seen
        if one.destinations and not left:
            continue
        joined.setdefault(replace(one, destinations=()), set()).update(left)
        if not one.destinations:
            break
        seen |= left
    return [replace(one, destinations=tuple(sorted(where))) for one, where in joined.items()]
