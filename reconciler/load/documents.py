"""The documents of a tree by what they say they are: kind, namespace and name; and those of which that is unclear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.load.complaints import check
from reconciler.load.files import File, Page
from reconciler.load.ledger import Ledger
from reconciler.load.names import nearest
from reconciler.load.nodes import Map, place_of, position
from reconciler.load.schemas import KINDS, future_kinds
from reconciler.model.findings import Finding, error
from reconciler.model.refs import API_VERSION, DocRef

#: kinds that policies and targets name without a namespace, so their names are unique in the whole repository
_ONE_SCOPE = frozenset({"Cluster", "Mesh", "VirtualMesh"})


@dataclass(frozen=True, slots=True)
class Document:
    """A document whose kind and name are known; ``variables``: it may have some."""

    ref: DocRef
    root: Map
    variables: bool = False

    @property
    def path(self) -> str:
        return self.root.at[0]


def identify(files: Iterable[File], ledger: Ledger) -> list[Document]:
    """All documents of the files that can be told apart; disabled ones are as if absent."""
    found: list[Document] = []
    for file in files:
        for page in file.pages:
            document = _identify_page(file.path, page, ledger)
            if document is not None:
                found.append(document)
        if file.findings:
            ledger.refuse(file.path, None, file.findings)
    return _without_duplicates(found, ledger)


def _identify_page(path: str, page: Page, ledger: Ledger) -> Document | None:
    ref = _ref(page.root)
    if page.mistakes:
        ledger.refuse(path, ref, [*page.mistakes, *_also_wrong(page, ref)])
        return None
    problem = _header_problem(page, ref)
    if problem is not None:
        ledger.refuse(path, ref, [problem])
    if problem is not None or ref is None or _is_disabled(ref, page.root):
        return None
    return Document(ref, page.root, page.variables)


def _also_wrong(page: Page, ref: DocRef | None) -> list[Finding]:
    """What else is wrong, elsewhere, with a page whose YAML has mistakes already: all are told at once."""
    problem = _header_problem(page, ref)
    found = [problem] if problem is not None else []
    if not found and ref is not None and isinstance(page.root, Map):
        found = check(ref.kind, page.root, ref, unfilled=True)
    told = {mistake.position for mistake in page.mistakes}
    return [finding for finding in found if finding.position not in told]


def _ref(root: object) -> DocRef | None:
    if not isinstance(root, Map) or not isinstance(root.get("metadata"), Map):
        return None
    kind, name = root.get("kind"), root["metadata"].get("name")
    namespace = root["metadata"].get("namespace", "default")
    if not all(isinstance(part, str) and part and "/" not in part for part in (kind, name, namespace)):
        return None
    return DocRef(str(kind), str(namespace), str(name))


def _header_problem(page: Page, ref: DocRef | None) -> Finding | None:
    root, at = page.root, position(page.at)
    if not isinstance(root, Map):
        return error("document-shape", "not a document: expected a mapping with apiVersion, kind and metadata", at)
    for name in ("apiVersion", "kind"):
        if not isinstance(root.get(name), str):
            return error("document-shape", f"`{name}` is missing or not text", position(place_of(root, [name])))
    kind = root["kind"]
    if root["apiVersion"] != API_VERSION:
        hint = f"known: {API_VERSION}" + ("" if kind in KINDS else "; native objects go into Extension.spec.objects")
        message = f"the apiVersion `{root['apiVersion'][:80]}` is not known"
        return error("unknown-api-version", message, position(root.values_at["apiVersion"]), hint)
    if kind not in KINDS:
        where = position(root.values_at["kind"])
        if kind in future_kinds():
            return error("unsupported-kind", f"the kind `{kind}` is not supported yet", where)
        return error("unknown-kind", f"the kind `{kind[:80]}` is not known", where, nearest(kind, KINDS))
    if ref is None:
        where = position(place_of(root, ["metadata", "name"]))
        return error("document-shape", "`metadata.name` is missing or not a name", where)
    return None


def _is_disabled(ref: DocRef, root: Map) -> bool:
    spec = root.get("spec")
    return ref.kind in ("TrafficPolicy", "AccessPolicy") and isinstance(spec, Map) and spec.get("disabled") is True


def _without_duplicates(documents: list[Document], ledger: Ledger) -> list[Document]:
    by_key: dict[tuple[str, str, str], list[Document]] = defaultdict(list)
    for document in documents:
        ref = document.ref
        scope = "" if ref.kind in _ONE_SCOPE else ref.namespace
        by_key[("Reconciler", "", "") if ref.kind == "Reconciler" else (ref.kind, scope, ref.name)].append(document)
    for key, same in by_key.items():
        for document in same if len(same) > 1 else ():
            others = ", ".join(str(position(other.root.at)) for other in same if other is not document)
            ledger.refuse(document.path, document.ref, [_duplicate(key, document, others)])
    return [same[0] for same in by_key.values() if len(same) == 1]


def _duplicate(key: tuple[str, str, str], document: Document, others: str) -> Finding:
    at, ref = position(place_of(document.root, ["metadata", "name"])), document.ref
    if key[0] == "Reconciler":
        return error("several-reconcilers", f"another Reconciler is at {others}", at, "keep one", ref)
    return error("duplicate-document", f"{ref.kind} `{ref.name}` is also at {others}", at, "keep one of them", ref)
