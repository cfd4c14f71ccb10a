"""Permissions of others that let callers call every workload of a mesh."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, labels, mappings, name, namespace
from reconciler.model.native import MANAGED_BY, MANAGED_BY_LABEL


def wide_permissions(items: Iterable[Object], root: str) -> str:
    """Their names, "" for none. What we wrote ourselves is no foreign permission."""
    found = sorted(
        f"MeshTrafficPermission {namespace(item)}/{name(item)}"
        for item in items
        if namespace(item) == root and labels(item).get(MANAGED_BY_LABEL) != MANAGED_BY and _is_wide(item)
    )
    return ", ".join(found)


def _is_wide(item: Object) -> bool:
    spec = section(item, "spec")
    if section(spec, "targetRef").get("kind", "Mesh") != "Mesh":
        return False
    allowed = [one for rule in mappings(spec.get("rules")) for one in mappings(section(rule, "default").get("allow"))]
    actions = [str(section(one, "default").get("action", "")) for one in mappings(spec.get("from"))]
    return bool(allowed) or any(action.startswith("Allow") for action in actions)
