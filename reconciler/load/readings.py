"""How each document reads on each target, its variables filled in: decoded once where all targets read the same.

A document with variables is decoded once per distinct set of their values, whatever the number of targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from reconciler.load.blocks import Decoder
from reconciler.load.checked import Checked
from reconciler.load.complaints import check
from reconciler.load.longform import long_form
from reconciler.load.names import nearest
from reconciler.load.nodes import Map, position
from reconciler.load.precedence import Variables
from reconciler.load.values import plain
from reconciler.load.variables import TooMuch, Unwritable, fill, uses
from reconciler.model import canonical
from reconciler.model.findings import Finding, error
from reconciler.model.refs import TargetId

T = TypeVar("T")
_NAMED = 3  # targets that a finding names before it counts the rest


@dataclass(slots=True)
class Values:
    """The variables of each target, looked up once."""

    variables: Variables
    targets: tuple[TargetId, ...]
    _known: dict[TargetId, dict[str, Any]] = field(default_factory=dict)
    _written: dict[tuple[TargetId, str], str] = field(default_factory=dict)

    def on(self, target: TargetId) -> Mapping[str, Any]:
        if target not in self._known:
            self._known[target] = self.variables.values(target.cluster, target.mesh)
        return self._known[target]

    def key(self, target: TargetId, names: Iterable[str]) -> tuple[str | None, ...]:
        """What the variables of a document come to on a target; equal keys read alike."""
        values = self.on(target)
        return tuple(self._text(target, name) if name in values else None for name in names)

    def _text(self, target: TargetId, name: str) -> str:
        found = self._written.get((target, name))
        if found is None:
            found = self._written[(target, name)] = canonical.encode(plain(self.on(target)[name]))
        return found


@dataclass(slots=True)
class Reading(Generic[T]):
    """One document: ``shared`` when every target reads the same, else ``by_target`` (absent: unusable there)."""

    document: Checked
    shared: T | None = None
    by_target: dict[TargetId, T] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def on(self, target: TargetId) -> T | None:
        return self.shared if self.shared is not None else self.by_target.get(target)

    @property
    def whole(self) -> bool:
        """Nothing is wrong with it on any target."""
        return not self.findings

    @property
    def usable(self) -> bool:
        return self.shared is not None or bool(self.by_target)


@dataclass(frozen=True, slots=True)
class Reader(Generic[T]):
    """``decode`` makes the typed value of a long form; ``review`` finds what is wrong with one beside its schema;
    ``skip`` tells targets on which a document has nothing to say, so that its variables may be unset there; ``files``
    are those that documents may name."""

    values: Values
    decode: Callable[[Map, Decoder], T]
    review: Callable[[Checked, Map], list[Finding]]
    skip: Callable[[Checked, TargetId], bool] = lambda _document, _target: False
    files: Mapping[str, bytes] = field(default_factory=dict)

    def read(self, document: Checked) -> Reading[T]:
        """The document on every target; findings name the targets when they do not hold on all."""
        if document.variables is None:
            value, findings = self._decode(document, document.root)
            return Reading(document, value, {}, findings)
        return self._read_each(document, document.variables)

    def _decode(self, document: Checked, root: Map) -> tuple[T | None, list[Finding]]:
        into = Decoder(document.ref, self.review(document, root), self.files)
        value = self.decode(root, into)
        return (None if into.findings else value), into.findings

    def _read_each(self, document: Checked, names: tuple[str, ...]) -> Reading[T]:
        reading: Reading[T] = Reading(document)
        known: dict[tuple[str | None, ...], tuple[T | None, list[Finding]]] = {}
        wrong: dict[Finding, list[TargetId]] = {}
        for target in self.values.targets:
            key = self.values.key(target, names)
            if key not in known:
                known[key] = self._read_one(document, self.values.on(target))
            value, findings = known[key]
            if findings and None in key and self.skip(document, target):
                continue
            for finding in findings:
                wrong.setdefault(finding, []).append(target)
            if value is not None:
                reading.by_target[target] = value
        reading.findings = [self._placed(finding, targets) for finding, targets in wrong.items()]
        return reading

    def _read_one(self, document: Checked, values: Mapping[str, Any]) -> tuple[T | None, list[Finding]]:
        used = uses(document.root, document.root.at)
        missing = [
            error(
                "unknown-variable",
                f"the variable `{name}` has no value",
                position(at),
                nearest(name, values),
                document.ref,
            )
            for name, at in used.items()
            if name not in values
        ]
        if missing:
            return None, missing
        try:
            filled = fill(document.root, values)
        except Unwritable as problem:
            return None, [error("variable-place", str(problem), position(used[problem.name]), "", document.ref)]
        except TooMuch as problem:
            return None, [error("yaml-bounds", str(problem), position(document.root.at), "", document.ref)]
        findings = check(document.ref.kind, filled, document.ref)
        return (None, findings) if findings else self._decode(document, long_form(document.ref.kind, filled))

    def _placed(self, finding: Finding, targets: list[TargetId]) -> Finding:
        """The finding with the targets that it holds on."""
        only = targets[0] if len(targets) == 1 else None
        if len(targets) == len(self.values.targets):
            return replace(finding, target=only)
        named = ", ".join(str(target) for target in targets[:_NAMED])
        rest = f" and {len(targets) - _NAMED} more" if len(targets) > _NAMED else ""
        return replace(finding, message=f"{finding.message} on {named}{rest}", target=only)
