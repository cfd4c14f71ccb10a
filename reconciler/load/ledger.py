"""What was found wrong so far, and which documents are unusable because of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.model.documents import Broken
from reconciler.model.findings import Finding
from reconciler.model.refs import DocRef


@dataclass(slots=True)
class Ledger:
    findings: list[Finding] = field(default_factory=list)
    broken: dict[Broken, None] = field(default_factory=dict)  # a set in order

    def refuse(self, path: str, ref: DocRef | None, findings: Iterable[Finding]) -> None:
        """Gather findings that make a document (or, without ref, a file) unusable."""
        told = list(findings)
        self.findings += told
        self.broken[Broken(path, ref, worded(told[0]))] = None

    def names(self, kind: str) -> set[str]:
        """Names of the broken documents of a kind."""
        return {item.ref.name for item in self.broken if item.ref is not None and item.ref.kind == kind}

    def sorted_findings(self) -> tuple[Finding, ...]:
        unique = dict.fromkeys(self.findings)
        return tuple(sorted(unique, key=lambda finding: finding.sort_key))

    def sorted_broken(self) -> tuple[Broken, ...]:
        return tuple(sorted(self.broken, key=lambda item: (item.path, str(item.ref or ""), item.finding)))


def worded(finding: Finding) -> str:
    """A finding as the reason that is told elsewhere."""
    return f"{finding.position}: {finding.message}" if finding.position.line else finding.message
