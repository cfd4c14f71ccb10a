"""Documents that their schema accepts: those without variables ready to decode, the others as far as can be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.load.complaints import check
from reconciler.load.documents import Document
from reconciler.load.ledger import Ledger
from reconciler.load.longform import long_form
from reconciler.load.nodes import Map, position
from reconciler.load.schemas import VARIABLE_KINDS
from reconciler.load.variables import malformed, texts, uses
from reconciler.model.findings import Finding, error
from reconciler.model.refs import DocRef

#: what must be known before a document is read for a target
_FIXED = ("apiVersion", "kind")
_FIXED_METADATA = ("name", "namespace")
_FIXED_MESH = ("type", "clusters", "clusterSelector")


@dataclass(frozen=True, slots=True)
class Checked:
    """``root`` is in long form (open variables apart). ``variables``: the names it uses, None when it has no ``${``
    at all and so reads the same everywhere."""

    ref: DocRef
    root: Map
    variables: tuple[str, ...] | None = None

    @property
    def path(self) -> str:
        return self.root.at[0]


def check_all(documents: Iterable[Document], ledger: Ledger) -> list[Checked]:
    """The documents that may be used so far; the ledger gets the others."""
    found: list[Checked] = []
    for document in documents:
        open_texts = document.variables and any(texts(document.root, document.root.at))
        findings = _variable_problems(document) if open_texts else []
        findings += check(document.ref.kind, document.root, document.ref, unfilled=bool(open_texts))
        if findings:
            ledger.refuse(document.path, document.ref, findings)
            continue
        names = tuple(sorted(uses(document.root, document.root.at))) if open_texts else None
        root = document.root if open_texts else long_form(document.ref.kind, document.root)
        found.append(Checked(document.ref, root, names))
    return found


def _variable_problems(document: Document) -> list[Finding]:
    root, ref = document.root, document.ref
    if ref.kind not in VARIABLE_KINDS:
        return [
            error("variable-place", f"variables are not filled in in a {ref.kind}", position(at), "", ref)
            for at in uses(root, root.at).values()
        ]
    fixed: list[tuple[Map, tuple[str, ...]]] = [(root, _FIXED), (root["metadata"], _FIXED_METADATA)]
    if ref.kind == "Mesh" and isinstance(root.get("spec"), Map):
        fixed.append((root["spec"], _FIXED_MESH))
    hint = "this must be the same on every target"
    misplaced = [
        error("variable-place", f"`{key}` cannot have a variable", position(at), hint, ref)
        for node, keys in fixed
        for key in keys
        if key in node
        for _, at in texts(node[key], node.values_at[key])
    ]
    return misplaced + malformed(root, ref)
