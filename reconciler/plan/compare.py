"""One object: is it as asked? In three steps, cheapest first; see "Live state" in docs/architecture.md.

(1) the proven pair of desired hash and resourceVersion; (2) local comparison by the cluster's own schema;
(3) the prediction of a server-side dry-run, which ``observe`` asks for only where step 2 finds a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reconciler import __version__
from reconciler.model import canonical
from reconciler.model.live import LiveObject, Prediction
from reconciler.model.native import COMMIT_ANNOTATION, NativeObject
from reconciler.model.settings import IgnoreRule
from reconciler.plan.comparable import Normalize, comparable, foreign_paths, mark_names, without
from reconciler.plan.fields import Difference, differences
from reconciler.plan.ignore import ignored_paths, rules_digest, rules_for, yield_to_live
from reconciler.plan.paths import MISSING, Path
from reconciler.plan.stamp import Mark, stamp, with_commit
from reconciler.plan.structural import complete

Proof = tuple[str, str]  # desired hash, resourceVersion


#: hashes of what is asked, by identity of the object (which is held, so that no other gets it) and all else they cover
Digests = dict[tuple[Any, ...], tuple[NativeObject, str]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all objects of one target are compared under. ``ignored_before``: the rules of the commit applied last.
    ``digests`` remembers hashes that were made before."""

    mark: Mark
    normalize: Normalize
    ignore: tuple[IgnoreRule, ...] = ()
    ignored_before: tuple[IgnoreRule, ...] = ()
    digests: Digests = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One desired object beside the live one. ``schema`` is the kind's openAPIV3Schema, None if not known."""

    native: NativeObject
    live: LiveObject
    setting: Setting
    schema: Mapping[str, Any] | None = None
    prediction: Prediction | None = None
    proof: Proof | None = None

    @cached_property
    def desired_hash(self) -> str:
        """Identifies what is asked, under which rules, by which engine; the commit is not part of it."""
        return desired_hash(self.native, self.setting)

    @property
    def proven(self) -> bool:
        return self.proof == (self.desired_hash, self.live.resource_version)

    @cached_property
    def live_body(self) -> dict[str, Any]:
        return self.live.body()

    @cached_property
    def _rules(self) -> tuple[IgnoreRule, ...]:
        return rules_for(self.native.key, self.setting.ignore)

    @cached_property
    def desired(self) -> dict[str, Any]:
        """The body to apply: stamped, ignored paths as they are live, the commit that last changed the object."""
        stamped = stamp(self.native, self.setting.mark)
        known = self.live.annotations.get(COMMIT_ANNOTATION, "") or self.setting.mark.commit
        return yield_to_live(with_commit(stamped, known), self.live_body, self.ignored)

    @cached_property
    def ignored(self) -> tuple[Path, ...]:
        return ignored_paths(self._rules, self.live_body, self.native.body) if self._rules else ()

    @cached_property
    def left_before(self) -> tuple[Path, ...]:
        """What the rules of the commit applied last left to others, and those of now do not."""
        if self.setting.ignored_before == self.setting.ignore:
            return ()
        rules = rules_for(self.native.key, self.setting.ignored_before)
        return tuple(set(ignored_paths(rules, self.live_body, self.native.body)) - set(self.ignored)) if rules else ()

    @cached_property
    def _names(self) -> dict[str, frozenset[str]]:
        return mark_names(self.desired, self.live_body)

    @cached_property
    def _completed(self) -> Mapping[str, Any]:
        return complete(self.desired, self.schema) if self.schema is not None else self.desired

    def shown(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Any body of this object in comparable form."""
        return comparable(body, self._names, self.setting.normalize)

    @cached_property
    def have(self) -> dict[str, Any]:
        return self.shown(self.live_body)

    @property
    def equal_locally(self) -> bool:
        """Step 2. False also where it cannot tell."""
        want = self.shown(self._completed)
        if self.native.kind.exclusive:
            return canonical.equal(want, self.have)
        return _within(want, self.have) and want.get("metadata", {}) == self.have.get("metadata", {})

    @property
    def needs_prediction(self) -> bool:
        return not self.proven and not self.equal_locally

    @cached_property
    def foreign(self) -> tuple[Path, ...]:
        """What others added to an object that is wholly ours."""
        if not self.native.kind.exclusive:
            return ()
        return foreign_paths(self.live_body, self._completed, self.ignored)

    @cached_property
    def expected(self) -> dict[str, Any]:
        """The comparable form that the object will have after our apply."""
        if self.prediction is not None and self.prediction.body is not None:
            return self.shown(without(self.prediction.body, self.foreign))
        want = self.shown(self._completed)
        return want if self.native.kind.exclusive else _merged(self.have, want)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        if self.proven or self.equal_locally:
            return ()
        return differences(self.have, self.expected)


def desired_hash(native: NativeObject, setting: Setting) -> str:
    mark = setting.mark
    place = (id(native), mark.owner, mark.mesh, mark.source, setting.ignore)
    if place not in setting.digests:
        bare = with_commit(stamp(native, mark), "")
        rules = rules_for(native.key, setting.ignore)
        setting.digests[place] = (native, canonical.digest([bare, rules_digest(rules), __version__]))
    return setting.digests[place][1]


def asked_before(comparison: Comparison, previous: NativeObject) -> dict[str, Any]:
    """What the previous revision asked, in the comparable form of this comparison."""
    earlier = Comparison(previous, comparison.live, comparison.setting, comparison.schema)
    return comparison.shown(earlier._completed)


def _within(want: Any, have: Any) -> bool:
    """Every field of ``want`` is in ``have`` with the same value; lists are compared whole."""
    if isinstance(want, Mapping) and isinstance(have, Mapping):
        return all(key in have and _within(value, have[key]) for key, value in want.items())
    return canonical.equal(want, have)


def _merged(have: Any, want: Any) -> Any:
    if isinstance(have, Mapping) and isinstance(want, Mapping):
        return {
            key: _merged(have.get(key, MISSING), want[key]) if key in want else have[key] for key in {**have, **want}
        }
    return want
