"""Source trees for tests, from texts or from a folder; and values as plain data without places and defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from reconciler.load import load
from reconciler.model.commits import Commit, SourceTree
from reconciler.model.documents import DesiredState
from reconciler.model.findings import Finding, Position
from reconciler.model.refs import DocRef, TargetId

CASES = Path(__file__).parent / "cases"
TYPES = ("istio", "linkerd", "envoy")
API = "apiVersion: reconciler.dev/v1alpha1\n"
MESH = f"{API}kind: Mesh\nmetadata: {{name: istio}}\nspec: {{type: istio, clusterSelector: {{}}}}\n"


def tree(files: Mapping[str, str | bytes], refused: Mapping[str, str] | None = None) -> SourceTree:
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return SourceTree(Commit("0" * 40), data, refused or {})


def folder(root: Path) -> SourceTree:
    files = [path for part in ("desired-state", "policies", "manifests") for path in sorted((root / part).rglob("*"))]
    return tree({str(path.relative_to(root)): path.read_bytes() for path in files if path.is_file()})


def inventory(*clusters: str, **variables: str) -> str:
    hosts = "".join(f"    {name}: {{connection: {{directory: live/{name}}}}}\n" for name in clusters)
    given = "".join(f"    {name}: {value}\n" for name, value in variables.items())
    return f"all:\n  hosts:\n{hosts}" + (f"  vars:\n{given}" if given else "")


def policy(name: str = "a", spec: str = "to: [reviews.shop], rule: {timeout: 1s}") -> str:
    return f"{API}kind: TrafficPolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"


def fleet(policies: str = "", /, **files: str) -> SourceTree:
    """Two clusters with one mesh each, some policies, and more files by name below desired-state."""
    base = {"desired-state/inventory.yaml": inventory("eu-1", "us-1"), "desired-state/mesh.yaml": MESH}
    more = {f"desired-state/{name}.yaml": text for name, text in files.items()}
    return tree({**base, **more, "policies/p.yaml": policies})


def loaded(source: SourceTree) -> tuple[DesiredState, tuple[Finding, ...]]:
    desired, findings = load(source, TYPES)
    assert desired is not None, "\n".join(map(str, findings))
    return desired, findings


def lines(findings: tuple[Finding, ...]) -> str:
    return "".join(f"{finding}\n" for finding in findings)


def told(value: Any) -> Any:
    """A value as plain data: no places, nothing that is as by default."""
    if isinstance(value, (DocRef, TargetId)):
        return str(value)
    if isinstance(value, Position):
        return ""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: told(getattr(value, item.name))
            for item in dataclasses.fields(value)
            if not isinstance(getattr(value, item.name), Position) and getattr(value, item.name) != _default(item)
        }
    if isinstance(value, Mapping):
        return {str(key): told(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [told(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default_factory() if item.default_factory is not dataclasses.MISSING else item.default
