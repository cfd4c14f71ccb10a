"""The fields of a custom resource as those of the API, and back. They differ in how others are referred to, and in a
few names (pkg/conversions and apis/appmesh/v1beta2 of the controller). What is empty says nothing in either form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.ports import Rejected

#: a reference, and the name in its place
_NAMES: Mapping[str, str] = {
    "virtualNodeRef": "virtualNodeName",
    "virtualRouterRef": "virtualRouterName",
    "virtualServiceRef": "virtualServiceName",
}
_REFS = {name: ref for ref, name in _NAMES.items()}
_OTHER = {"certificateAuthorityARNs": "certificateAuthorityArns", "certificateARN": "certificateArn"}
_BACK = {name: other for other, name in _OTHER.items()}
_BY_ARN = frozenset({"virtualNodeARN", "virtualRouterARN", "virtualServiceARN"})


def to_api(value: Any, mesh: str) -> Any:
    """Rejected for references out of the mesh, and by ARN: the API knows names in the mesh only."""
    if isinstance(value, (list, tuple)):
        return [to_api(item, mesh) for item in value]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for name, item in value.items():
        if name in _BY_ARN:
            raise Rejected(f"{name}: the API refers to others by name, not by ARN")
        if name not in _NAMES:
            found[str(_OTHER.get(name, name))] = to_api(item, mesh)
        elif item.get("namespace", mesh) != mesh:
            raise Rejected(f"{name}: {item['name']} is in {item['namespace']}, which is another mesh than {mesh}")
        else:
            found["virtualNode" if "weight" in value else _NAMES[name]] = item["name"]
    return found


def from_api(value: Any) -> Any:
    """Without what is empty, but for a condition: that of every request is written so, and has to be there."""
    if isinstance(value, list):
        return [from_api(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for name, item in value.items():
        if name in _REFS:
            found[_REFS[name]] = {"name": item}
        elif name == "virtualNode" and isinstance(item, str):
            found["virtualNodeRef"] = {"name": item}
        elif (said := from_api(item)) not in (None, {}, []) or name == "match":
            found[str(_BACK.get(name, name))] = said
    return found
