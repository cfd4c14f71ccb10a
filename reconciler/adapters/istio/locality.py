"""``loadBalancer.localityLbSetting``: which localities the callers of a host go to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.gaps import Gaps
from reconciler.model.rules import Leaf

#: added where requests are to leave a locality and nobody says when: without outlier detection the mesh ignores
#: localities. Only endpoints that cannot be reached count, since an answer of 500 is the business of the application.
FAILING: Mapping[str, Any] = {
    "consecutive5xxErrors": 0,
    "consecutiveGatewayErrors": 5,
    "interval": "10s",
    "baseEjectionTime": "30s",
    "maxEjectionPercent": 100,
}
_PARTS = ("region", "zone", "subZone")


def needs_outlier(asked: Mapping[str, Any]) -> bool:
    return asked.get("prefer") == "Local" or bool(_items(asked, "failover") or asked.get("order"))


def locality_setting(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """The setting, empty when nothing is asked. Local is what the mesh does by itself, once it is on."""
    shares, steps = _items(asked, "distribute"), _items(asked, "failover")
    order: list[list[str]] = asked.get("order", [])
    if asked.get("prefer") not in ("Local", "None") and not (shares or steps or order):
        return {}
    if asked.get("prefer") == "None":
        if shares or steps or order:
            gaps.error("mesh-invalid-value", "no locality is preferred, and yet requests are to go by locality", leaf)
        return {"enabled": False}
    native: dict[str, Any] = {"enabled": True}
    if shares:
        native["distribute"] = [_shares(item, leaf, gaps) for item in shares]
    if steps:
        native["failover"] = [_step(item, leaf, gaps) for item in steps]
    if order:
        native["failoverPriority"] = _priority(order, leaf, gaps)
    _check_apart(native, leaf, gaps)
    return native


def _priority(order: list[list[str]], leaf: Leaf | None, gaps: Gaps) -> list[str]:
    """The more of these labels an endpoint has one after the other, the sooner it is called. What has not even the
    first is the last part."""
    labels: list[str] = []
    for part in reversed(order[:-1]):
        more = [label for label in part if label not in labels]
        if len(more) != 1 or not set(labels) <= set(part):
            told = "the mesh sorts endpoints by one label after the other"
            hint = "each part but the last must be the one after it with one label more"
            gaps.error("mesh-inexpressible", told, leaf, hint)
        labels += more
    return labels


def _items(asked: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = asked.get(name)
    return list(found) if isinstance(found, (list, tuple)) else []


def _shares(item: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """Percents that add up to 100, which is what the mesh takes."""
    places = [_name(share["locality"]) for share in item["to"]]
    shares = weights.of_hundred([share["weight"] for share in item["to"]])
    if len(set(places)) < len(places):
        gaps.error("mesh-invalid-value", f"callers in {_name(item['from'])} have two shares for one place", leaf)
    return {"from": _name(item["from"]), "to": dict(sorted(zip(places, shares, strict=True)))}


def _step(item: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """The mesh knows regions here, and one to go to."""
    places = [item["from"], *item["to"]]
    if len(item["to"]) > 1 or any(set(place) != {"region"} for place in places):
        gaps.error("mesh-inexpressible", "the mesh fails over from one region to one other", leaf)
    start, end = str(item["from"].get("region", "")), str(item["to"][0].get("region", ""))
    if start == end:
        gaps.error("mesh-invalid-value", f"region {start} cannot fail over to itself", leaf)
    return {"from": start, "to": end}


def _check_apart(native: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> None:
    """The mesh refuses places that lie in each other."""
    lists = [[item["from"] for item in native.get(name, ())] for name in ("distribute", "failover")]
    lists += [list(item["to"]) for item in native.get("distribute", ())]
    for one, other in (pair for places in lists for pair in combinations(places, 2)):
        if _inside(one, other) or _inside(other, one):
            gaps.error(
                "mesh-invalid-value", f"{one} and {other} are not apart: a share or step is for each place", leaf
            )


def _inside(one: str, other: str) -> bool:
    head = other.removesuffix("*").removesuffix("/")
    return one == head or one.startswith(f"{head}/")


def _name(place: Mapping[str, Any]) -> str:
    """``region/*``, ``region/zone/*`` or ``region/zone/subzone``."""
    parts = [str(place.get(part, "*")) for part in _PARTS]
    while len(parts) > 1 and parts[-2:] == ["*", "*"]:
        parts.pop()
    return "/".join(parts)
