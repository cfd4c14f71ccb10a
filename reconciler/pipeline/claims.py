"""What the installed adapters claim, as tables for people: for all capabilities, or for those that documents use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.adapters.base import Adapter
from reconciler.compile.whatif import profiles, what_if
from reconciler.load import load
from reconciler.model.claims import ClaimTable
from reconciler.model.commits import Commit, SourceTree
from reconciler.model.findings import Finding
from reconciler.model.native import Verdict
from reconciler.model.refs import TargetId

_MESHES = "desired-state/what-if.yaml"


def column(name: str, profile: str) -> str:
    return f"{name} ({profile})" if profile else name


def claim_table(adapters: Mapping[str, Adapter], wanted: Sequence[str] = ()) -> ClaimTable:
    """The claims of the adapters, or of the ``wanted`` ones."""
    chosen = [(one, profile) for one, profile in profiles(adapters) if not wanted or one.name in wanted]
    paths = sorted({path for one, profile in chosen for path in one.capabilities(profile)})
    rows = tuple((path, tuple(one.capability(path, of) for one, of in chosen)) for path in paths)
    return ClaimTable(tuple(column(one.name, profile) for one, profile in chosen), rows)


def verdicts_for(
    text: bytes, name: str, adapters: Mapping[str, Adapter], wanted: Sequence[str] = (), version: str = ""
) -> tuple[dict[str, tuple[Verdict, ...]], tuple[Finding, ...]]:
    """By column, what would become of the documents of a file on each kind of mesh; and what is wrong with them."""
    chosen = [(one, profile) for one, profile in profiles(adapters) if not wanted or one.name in wanted]
    meshes = "".join(
        "---\napiVersion: reconciler.dev/v1alpha1\nkind: Mesh\n"
        f"metadata: {{name: {one}}}\nspec: {{type: {one}, clusters: [any]}}\n"
        for one in sorted({one.name for one, _ in chosen})
    )
    cluster = "---\napiVersion: reconciler.dev/v1alpha1\nkind: Cluster\nmetadata: {name: any}\n"
    estate = f"{meshes}{cluster}spec: {{connection: {{directory: any}}}}\n"
    tree = SourceTree(Commit("worktree"), {_MESHES: estate.encode(), f"policies/{name}": text}, {})
    desired, findings = load(tree, tuple(adapters))
    found: dict[str, tuple[Verdict, ...]] = {}
    for one, profile in chosen if desired is not None else ():
        target = TargetId("any", one.name)
        if desired is not None and target in desired.views:
            found[column(one.name, profile)] = what_if(desired, target, one, profile, version)
    return found, tuple(_placed(finding, name) for finding in findings)


def _placed(finding: Finding, name: str) -> Finding:
    """A finding at the place where the user has the file."""
    place = finding.position
    return replace(finding, position=replace(place, path=name)) if place.path == f"policies/{name}" else finding
