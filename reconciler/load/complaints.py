"""What the validator says about a document, as findings: place, plain words, and a hint.

Where a schema has alternatives, the one that the author most likely meant is told. ``wording`` has the sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from reconciler.load.nodes import Map, place_of, position
from reconciler.load.schemas import schema_at, validator
from reconciler.load.wording import Complaint, said, type_name, type_of
from reconciler.model.findings import Finding, error
from reconciler.model.refs import DocRef

_ABOUT_FIELDS = ("Not", "OneOfNotValid", "OneOfMultipleValid")
MAX_COMPLAINTS = 50  # per document; the rest is counted


def check(kind: str, root: Map, ref: DocRef, *, unfilled: bool = False) -> list[Finding]:
    """Every mistake in a document, by its schema. With ``unfilled``, values with a variable in them are let pass."""
    if validator(kind).is_valid(root):
        return []
    told = _Told(kind, root, unfilled)
    complaints = list(dict.fromkeys(c for problem in validator(kind).iter_errors(root) for c in told.about(problem)))
    findings = [_finding(root, complaint, ref) for complaint in complaints[:MAX_COMPLAINTS]]
    if len(complaints) > MAX_COMPLAINTS:
        rest = f"and {len(complaints) - MAX_COMPLAINTS} more mistakes in this document"
        findings.append(error("too-many-mistakes", rest, position(root.at), "", ref))
    return findings


def _finding(root: Map, complaint: Complaint, ref: DocRef) -> Finding:
    at = position(place_of(root, complaint.path, key=complaint.at_key))
    return error(complaint.code, complaint.message, at, complaint.hint, ref)


def _value_at(root: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        root = root[part]
    return root


@dataclass(frozen=True, slots=True)
class _Told:
    kind: str
    root: Map
    unfilled: bool

    def about(self, problem: Any) -> list[Complaint]:
        """The complaints that one problem of the validator comes to; none when a variable may yet mend it."""
        value = _value_at(self.root, problem.instance_path)
        if self.unfilled and isinstance(value, str) and "${" in value:
            return []
        name = type(problem.kind).__name__
        if name in _ABOUT_FIELDS and not isinstance(value, Map):
            return []  # its type is wrong, which is told by itself
        if name == "AnyOf" or (name == "OneOfNotValid" and not _all_required(problem.kind.context)):
            return self._alternatives(problem, value)
        if name == "PropertyNames":
            return self._key(problem)
        schema = schema_at(self.kind, problem.schema_path[:-1])
        return list(said(problem, value, schema))

    def _alternatives(self, problem: Any, value: Any) -> list[Complaint]:
        branches = problem.kind.context
        path = tuple(problem.instance_path)
        if _all_required(branches):
            names = " or ".join(f"`{branch[0].kind.property}`" for branch in branches)
            return [Complaint("missing-field", f"needs {names}", path)]
        fitting = [branch for branch in branches if not _is_other_type(branch, problem)]
        if not fitting:
            return [self._other_type(problem, path, value)]
        told = [[complaint for one in branch for complaint in self.about(one)] for branch in fitting]
        return min(told, key=len)

    def _other_type(self, problem: Any, path: tuple[str | int, ...], value: Any) -> Complaint:
        wanted = sorted({type_name(kind) for branch in problem.kind.context for kind in _types(branch[0])})
        schema = schema_at(self.kind, problem.schema_path[:-1])
        shorts = [schema_at(self.kind, branch[0].schema_path[:-1]) for branch in problem.kind.context]
        hint = next((str(one["patternErrorMessage"]) for one in shorts if "patternErrorMessage" in one), "")
        about = "" if not schema.get("description") else str(schema["description"]).split(":")[0].rstrip(".")
        message = f"expected {' or '.join(wanted)}, not {type_of(value)}"
        return Complaint("wrong-type", message, path, hint=hint or about)

    def _key(self, problem: Any) -> list[Complaint]:
        inner = problem.kind.error
        schema = schema_at(self.kind, inner.schema_path[:-1])
        return [
            replace(one, path=(*problem.instance_path, inner.instance), at_key=True)
            for one in said(inner, inner.instance, schema)
        ]


def _all_required(branches: Any) -> bool:
    return all(len(branch) == 1 and type(branch[0].kind).__name__ == "Required" for branch in branches) and (
        len({tuple(branch[0].instance_path) for branch in branches}) == 1
    )


def _is_other_type(branch: Any, problem: Any) -> bool:
    """Whether a branch does not even take this type of value."""
    first = branch[0]
    return type(first.kind).__name__ in ("Type", "Constant") and len(first.instance_path) == len(problem.instance_path)


def _types(problem: Any) -> list[str]:
    types = getattr(problem.kind, "types", ())
    return list(types) or ["boolean"]
