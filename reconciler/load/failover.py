"""Decoding of ``failover.order``: the parts of a destination in the order in which they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.load.blocks import Decoder, pairs
from reconciler.load.nodes import Map, position
from reconciler.model.destinations import Subset
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Pairs


def order(spec: Map, subsets: tuple[Subset, ...], into: Decoder) -> Iterator[Leaf]:
    """The labels of each part, as ``key=value``; of a name without a subset the value of ``version``."""
    failover = spec.get("failover") or Map(spec.at)
    if "order" not in failover:
        return
    external = spec.get("external")
    if external is not None and "endpoints" not in external:
        hint = "give endpoints with labels"
        into.complain("wrong-value", "there are no endpoints that could be told apart", failover.keys_at["order"], hint)
    known = {subset.name: subset.labels for subset in subsets}
    parts = [[f"{key}={value}" for key, value in _labels(item["subset"], known)] for item in failover["order"]]
    yield Leaf("traffic.loadBalancing.locality.order", parts, position(failover.keys_at["order"]), into.ref)


def _labels(subset: str | Map, known: Mapping[str, Pairs]) -> Pairs:
    if isinstance(subset, str):
        return known.get(subset, (("version", subset),))
    return pairs(subset)
