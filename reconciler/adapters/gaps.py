"""What cannot be said to a mesh, or will not do what was asked, found while its objects are built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.findings import NOWHERE, Finding, Severity
from reconciler.model.intents import Origin
from reconciler.model.refs import DocRef, TargetId
from reconciler.model.rules import Leaf


@dataclass(frozen=True, slots=True)
class Gap:
    """``asked``: the policies that ask for what it is about, where that is no leaf: each alone would be a gap."""

    severity: Severity
    code: str
    message: str
    leaf: Leaf | None = None
    hint: str = ""
    asked: tuple[Origin, ...] = ()

    @property
    def blamed(self) -> tuple[DocRef, ...]:
        return (self.leaf.policy,) if self.leaf is not None else tuple(one.ref for one in self.asked)


class Gaps:
    """Gathers gaps about one thing: a host, an access policy, a mode."""

    def __init__(self, found: list[Gap] | None = None, asked: Iterable[Origin] = ()) -> None:
        self.found: list[Gap] = [] if found is None else found
        self.asked = tuple(asked)

    def about(self, policies: Iterable[Origin]) -> Gaps:
        """The same gaps, for a part of the thing that these policies ask for: a match, a source, a backend."""
        return Gaps(self.found, policies)

    def error(self, code: str, message: str, leaf: Leaf | None = None, hint: str = "") -> None:
        self._add(Gap(Severity.ERROR, code, message, leaf, hint, self.asked))

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
    """An error is about the documents that are to blame, and where none is, about every document of the thing."""
    meant = sorted(gap.asked) or origins
    position = meant[0].position if meant else NOWHERE
    documents = {origin.ref for origin in meant}
    if gap.leaf is not None:
        position, documents = gap.leaf.position, {gap.leaf.policy}
    return Finding(gap.severity, gap.code, gap.message, position, gap.hint, tuple(sorted(documents)), target)
