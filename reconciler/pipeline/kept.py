"""What one process keeps between its runs, because it cannot have become something else: loaded commits by their
sha, the last compilations by all that they were made from, clusters in which nothing has changed. Used by one run at a
time, or by runs about different clusters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.adapters.base import Adapter
from reconciler.compile import Before
from reconciler.model.commits import SourceTree
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts
from reconciler.model.findings import Finding
from reconciler.model.live import LiveCluster
from reconciler.model.native import Compiled
from reconciler.plan.compare import Digests
from reconciler.plan.rules import Quiet
from reconciler.ports import Values

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
    given: Before
    passed: int  # how many of its expiries


@dataclass(frozen=True, slots=True)
class Detected:
    """The facts of a cluster, and what they were made from: the token of its inspection, and the adapters."""

    token: object
    adapters: tuple[Adapter, ...]
    facts: ClusterFacts


@dataclass(frozen=True, slots=True)
class Observed:
    """A cluster as it was read; and, where that needed no dry-run, what it was ``compared`` with."""

    token: object
    live: LiveCluster
    compared: tuple[object, ...] = ()


@dataclass
class Kept:
    """``digests`` are of the objects of the compilations that are kept. ``recorded``: the facts that are in the store
    as far as this process knows. By cluster, where what was read says whether it has changed: ``detected`` and
    ``observed``; ``quiet``: see ``reconciler.plan.rules``. ``remembered``: what is kept for each target, as it was when
    the last plan began."""

    digests: Digests = field(default_factory=dict)
    detected: dict[str, Detected] = field(default_factory=dict)
    observed: dict[str, Observed] = field(default_factory=dict)
    recorded: dict[str, ClusterFacts] = field(default_factory=dict)
    quiet: Quiet = field(default_factory=dict)
    remembered: Values | None = None
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
        """What was compiled from this very state and equal facts, while the same policies were in force. Whether facts
        were read or remembered makes no difference to what they compile to."""
        passed = _passed(desired, now)
        for made in self._made:
            given = made.given
            if given.desired is desired and made.passed == passed and given.facts.clusters == facts.clusters:
                return given.compiled
        return None

    def lent(self) -> Kept:
        """For a run beside those that this one serves: what was loaded and compiled, which nobody changes."""
        return Kept(dict(self.digests), _loaded=dict(self._loaded), _made=list(self._made))

    @property
    def before(self) -> Before | None:
        """The last compilation: from it, one of a revision that differs in little is made sooner."""
        return self._made[0].given if self._made else None

    def only(self, clusters: Container[str]) -> None:
        """What is known of others is not needed any more."""
        known: tuple[dict[str, Any], ...] = (self.detected, self.observed, self.recorded)
        for by_cluster in known:
            for name in [name for name in by_cluster if name not in clusters]:
                del by_cluster[name]
        for target in [target for target in self.quiet if target.cluster not in clusters]:
            del self.quiet[target]

    def keep(self, made: Before) -> None:
        others = [other for other in self._made if other.given.desired is not made.desired]
        self._made = [_Made(made, _passed(made.desired, made.now)), *others][:REVISIONS]
        there = {
            id(native) for one in self._made for natives in one.given.compiled.objects.values() for native in natives
        }
        for place in [place for place in self.digests if place[0] not in there]:
            del self.digests[place]


def _passed(desired: DesiredState, now: datetime) -> int:
    views = desired.views.values()
    ends = [
        *(one.expires for view in views for one in view.traffic),
        *(one.expires for view in views for one in view.access),
    ]
    return bisect_right(sorted(end for end in ends if end is not None), now)
