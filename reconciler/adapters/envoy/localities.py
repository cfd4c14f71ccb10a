"""Where endpoints lie, as one caller sees it: which it prefers, where it goes when they fail, and in which shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.destinations import Endpoint
from reconciler.model.rules import Leaf

_PARTS = ("region", "zone", "subZone")
Place = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints of one locality that are called first (0), or after those before them. ``weight``: its share among
    those of equal priority; 0 where shares do not count."""

    priority: int
    locality: str
    weight: int
    endpoints: tuple[Endpoint, ...]


def home_of(proxy: Proxy) -> str:
    """The locality of a caller: where its own services are said to lie."""
    return next((one.endpoint.locality for one in proxy.served if one.endpoint.locality), "")


def tell_nowhere(rule: Mapping[str, Any], leaves: Iterable[Leaf], proxy: Proxy, gaps: Gaps) -> None:
    """What is asked by place has no meaning for a caller of whom none is known."""
    asked = section(section(rule, "loadBalancing"), "locality")
    by_place = asked.get("prefer") == "Local" or asked.get("distribute") or asked.get("failover")
    if by_place and proxy.gateway is None and not home_of(proxy):
        told = "callers of which no locality is known go to all localities alike"
        leaf = leaf_at(leaves, "traffic.loadBalancing.locality")
        gaps.warning("leaf-cancelled", told, leaf, "say where the workloads of each Destination are")


def needs_outlier(asked: Mapping[str, Any]) -> bool:
    """Whether requests are to leave endpoints that fail, so that something has to find out which do."""
    return asked.get("prefer") == "Local" or bool(asked.get("failover") or asked.get("order"))


def has_shares(asked: Mapping[str, Any], home: str) -> bool:
    return _step(asked.get("distribute"), home) is not None


def grouped(endpoints: Iterable[Endpoint], asked: Mapping[str, Any], home: str) -> list[Group]:
    """All endpoints that a caller at ``home`` may send to, the first ones first."""
    shares = _step(asked.get("distribute"), home)
    found: dict[tuple[tuple[int, ...], str], list[Endpoint]] = {}
    for one in endpoints:
        rank = _rank(one, asked, home)
        if rank is not None:
            found.setdefault((rank, one.locality), []).append(one)
    ranks = sorted({rank for rank, _ in found})
    weights = _weights(shares["to"], [key[1] for key in found], found) if shares else {}
    return [
        Group(ranks.index(rank), locality, weights.get(locality, 1 if shares else 0), tuple(found[rank, locality]))
        for rank, locality in sorted(found)
    ]


def _rank(one: Endpoint, asked: Mapping[str, Any], home: str) -> tuple[int, ...] | None:
    """The lower, the sooner it is called; None for never."""
    shares, step = _step(asked.get("distribute"), home), _step(asked.get("failover"), home)
    if shares and any(_lies_in(one.locality, share["locality"]) for share in shares["to"]):
        return (0, 0, 0)
    if shares and not step:
        return None
    places = [step["from"], *step["to"]] if step else []
    at = next((number for number, place in enumerate(places) if _lies_in(one.locality, place)), len(places))
    far = _distance(one.locality, home) if asked.get("prefer") == "Local" and home else 0
    return (_part(one, asked.get("order") or ()), at + (1 if shares else 0), far)


def _part(one: Endpoint, order: Sequence[Iterable[str]]) -> int:
    """Which part of a destination it is in; what is in none goes with the last."""
    labels = {f"{key}={value}" for key, value in one.labels.items()}
    return next((number for number, part in enumerate(order) if set(part) <= labels), max(len(order) - 1, 0))


def _step(items: Any, home: str) -> Mapping[str, Any] | None:
    """What is asked for callers here, by the narrowest place."""
    meant = [item for item in items or () if _lies_in(home, item["from"])]
    return max(meant, key=lambda item: len(item["from"]), default=None)


def _lies_in(locality: str, place: Place) -> bool:
    parts = parts_of(locality)
    return all(parts.get(part) == place[part] for part in _PARTS if part in place)


def _distance(locality: str, home: str) -> int:
    """0 in the same subzone, 1 in the same zone, 2 in the same region, else 3."""
    if locality == home:
        return 0
    there, here = parts_of(locality), parts_of(home)
    for far, part in ((3, "region"), (2, "zone"), (1, "subZone")):
        if there.get(part) != here.get(part):
            return far
    return 0


def parts_of(locality: str) -> dict[str, str]:
    return {key: value for key, value in zip(_PARTS, locality.split("/"), strict=False) if value}


def _weights(
    shares: Sequence[Mapping[str, Any]],
    localities: Iterable[str],
    found: Mapping[tuple[tuple[int, ...], str], Sequence[Endpoint]],
) -> dict[str, int]:
    """The share of a place is divided among the localities in it by how many endpoints each has."""
    sizes: dict[str, int] = {}
    for (_, locality), several in found.items():
        sizes[locality] = sizes.get(locality, 0) + sum(one.weight or 1 for one in several)
    of_place: dict[int, list[str]] = {}
    for locality in dict.fromkeys(localities):
        at = next((number for number, share in enumerate(shares) if _lies_in(locality, share["locality"])), None)
        if at is not None:
            of_place.setdefault(at, []).append(locality)
    totals = {at: sum(sizes[one] for one in several) for at, several in of_place.items()}
    scale = lcm(*totals.values()) if totals else 1
    return {
        one: shares[at]["weight"] * sizes[one] * scale // totals[at]
        for at, several in of_place.items()
        for one in several
    }
