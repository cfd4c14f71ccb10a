"""What one process keeps between its runs, because it cannot have become something else: loaded commits by their
sha, and the last compilations by all that they were made from. Used by one run at a time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.commits import SourceTree
from reconciler.model.documents import DesiredState
from reconciler.model.facts import Facts
from reconciler.model.findings import Finding
from reconciler.model.native import Compiled
from reconciler.plan.compare import Digests

REVISIONS = 3  # the head, the last accepted, one more that a target still has
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A revision, what it says, and what is wrong with it; ``desired`` None when nothing of it is usable."""

    tree: SourceTree
    desired: DesiredState | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    desired: DesiredState
    facts: Facts
    passed: int  # how many of its expiries
    compiled: Compiled


@dataclass
class Kept:
    """``digests`` are of the objects of the compilations that are kept."""

    digests: Digests = field(default_factory=dict)
    _loaded: dict[str, Loaded] = field(default_factory=dict)
    _made: list[_Made] = field(default_factory=list)

    def loaded(self, revision: str, load: Callable[[str], Loaded]) -> Loaded:
        """``load(revision)``, not done again for a full sha. Its errors pass through, and are not kept."""
        found = self._loaded.pop(revision, None) or load(revision)
        if _SHA.fullmatch(revision):
            self._loaded[revision] = found
            while len(self._loaded) > REVISIONS:
                del self._loaded[next(iter(self._loaded))]
        return found

    def compiled(self, desired: DesiredState, facts: Facts, now: datetime) -> Compiled | None:
        """What was compiled from this very state and equal facts, while the same policies were in force."""
        passed = _passed(desired, now)
        for made in self._made:
            if made.desired is desired and made.passed == passed and made.facts == facts:
                return made.compiled
        return None

    def keep(self, desired: DesiredState, facts: Facts, now: datetime, compiled: Compiled) -> None:
        others = [made for made in self._made if made.desired is not desired]
        self._made = [_Made(desired, facts, _passed(desired, now), compiled), *others][:REVISIONS]
        self.digests.clear()


def _passed(desired: DesiredState, now: datetime) -> int:
    views = desired.views.values()
    ends = [
        *(one.expires for view in views for one in view.traffic),
        *(one.expires for view in views for one in view.access),
    ]
    return bisect_right(sorted(end for end in ends if end is not None), now)
