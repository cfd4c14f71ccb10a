"""``filters[]`` of a rule: those of Gateway API, in this mesh's spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.backends import References
from reconciler.adapters.kuma.percentages import percentage
from reconciler.adapters.standard import filters as standard
from reconciler.adapters.standard.conditions import Condition
from reconciler.model.intents import Backend, Route

Native = dict[str, Any]
_CHANGES = ("requestHeaderModifier", "responseHeaderModifier")


def filters(route: Route, rule: Mapping[str, Any], condition: Condition, refs: References, gaps: Gaps) -> list[Native]:
    """The filters of a rule; those that replace a part of the path are for this condition only."""
    mirrors = gaps.about(route.askers.mirrors)
    asked = {name: part for name, part in rule.items() if name != "cors"}

    def reference(backend: Backend) -> Native:
        return refs.one(backend, mirrors)

    found = standard.filters(route, asked, condition, reference, gaps)
    shares = iter(route.mirrors)
    return [_mirror(one, next(shares)) if "requestMirror" in one else _change(one, gaps) for one in found]


def _mirror(native: Mapping[str, Any], mirror: Backend) -> Native:
    share = {} if mirror.weight == 100 else {"percentage": percentage(mirror.weight)}
    return {"type": native["type"], "requestMirror": {"backendRef": native["requestMirror"]["backendRef"]} | share}


def _change(native: Mapping[str, Any], gaps: Gaps) -> Native:
    """Headers in small letters, as the mesh wants them, and each once."""
    found = dict(native)
    for field in _CHANGES:
        if field in native:
            change = {verb: [_small(item) for item in items] for verb, items in native[field].items()}
            _check_once(change, gaps)
            found[field] = change
    return found


def _small(item: Any) -> Any:
    return item.lower() if isinstance(item, str) else {**item, "name": item["name"].lower()}


def _check_once(change: Mapping[str, Iterable[Any]], gaps: Gaps) -> None:
    names = [item if isinstance(item, str) else item["name"] for items in change.values() for item in items]
    for name in sorted({name for name in names if names.count(name) > 1}):
        gaps.error("mesh-inexpressible", f"the mesh changes a header in one way, and {name!r} is asked for in two")
