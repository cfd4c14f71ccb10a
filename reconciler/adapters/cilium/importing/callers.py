"""The ``from...`` fields of a rule as callers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.cilium.callers import ACCOUNT, EVERY_POD, NAMESPACE
from reconciler.adapters.cilium.meaning.policies import prefixed
from reconciler.adapters.importing import Scene, Unsayable, only


def callers(rule: Mapping[str, Any], namespace: str, scene: Scene) -> list[Any]:
    """Items of ``from``; an empty list for everyone."""
    if "all" in (rule.get("fromEntities") or ()):
        return []
    if entities := rule.get("fromEntities"):
        raise Unsayable(f"no neutral field covers the entities {', '.join(map(str, entities))}")
    found: list[Any] = [_pods(one or {}, namespace, scene) for one in rule.get("fromEndpoints") or ()]
    found += [_block({"cidr": one}) for one in rule.get("fromCIDR") or ()]
    found += [_block(one) for one in rule.get("fromCIDRSet") or ()]
    return found


def _pods(one: Mapping[str, Any], namespace: str, scene: Scene) -> str:
    if one == EVERY_POD:
        return "*"
    only(one, ("matchLabels",), "fromEndpoints")
    labels = {NAMESPACE: namespace} | prefixed(one.get("matchLabels") or {})
    if labels.keys() - {NAMESPACE, ACCOUNT}:
        raise Unsayable("it tells callers by labels of their pods")
    if ACCOUNT not in labels:
        return f"ns/{labels[NAMESPACE]}"
    parts = (labels[ACCOUNT], labels[NAMESPACE], scene.only)
    return f"sa/{'.'.join(part for part in parts if part)}"


def _block(one: Mapping[str, Any]) -> dict[str, Any]:
    only(one, ("cidr", "except"), "fromCIDRSet")
    left = {"exclude": list(one["except"])} if one.get("except") else {}
    return {"ipBlocks": {"include": [str(one["cidr"])], **left}}
