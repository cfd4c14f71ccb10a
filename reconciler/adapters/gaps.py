"""What cannot be said to a mesh, or will not do what was asked, found while its objects are built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.findings import NOWHERE, Finding, Severity
from reconciler.model.intents import Origin
from reconciler.model.refs import TargetId
from reconciler.model.rules import Leaf


@dataclass(frozen=True, slots=True)
class Gap:
    severity: Severity
    code: str
    message: str
    leaf: Leaf | None = None
    hint: str = ""


class Gaps:
    """Gathers gaps about one thing: a host, an access policy, a mode."""

    def __init__(self) -> None:
        self.found: list[Gap] = []

    def error(self, code: str, message: str, leaf: Leaf | None = None, hint: str = "") -> None:
        self._add(Gap(Severity.ERROR, code, message, leaf, hint))

    def warning(self, code: str, message: str, leaf: Leaf | None = None, hint: str = "") -> None:
        self._add(Gap(Severity.WARNING, code, message, leaf, hint))

    @property
    def blocking(self) -> bool:
        return any(gap.severity is Severity.ERROR for gap in self.found)

    def findings(self, target: TargetId, origins: Iterable[Origin]) -> tuple[Finding, ...]:
        """The gaps as findings on a target: at the leaf that each is about, else at the first of the origins."""
        ordered = sorted(origins)
        return tuple(_finding(gap, target, ordered) for gap in self.found)

    def _add(self, gap: Gap) -> None:
        if gap not in self.found:
            self.found.append(gap)


def _finding(gap: Gap, target: TargetId, origins: list[Origin]) -> Finding:
    """An error is about every document of the thing, since all that they said of it is left as it was."""
    documents = {origin.ref for origin in origins}
    position = origins[0].position if origins else NOWHERE
    if gap.leaf is not None:
        position = gap.leaf.position
        documents = {gap.leaf.policy} | (documents if gap.severity is Severity.ERROR else set())
    return Finding(gap.severity, gap.code, gap.message, position, gap.hint, tuple(sorted(documents)), target)
