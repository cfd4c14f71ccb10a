"""TrafficSplits: which part of the requests to a Service goes where."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from reconciler.adapters.importing import Body, Scene, key_of

Part = Mapping[str, Any]


def shared(body: Body, scene: Scene) -> tuple[str, str]:
    """The Service, as name and namespace: it may be named in full. ValueError for one that is elsewhere."""
    own = key_of(body).namespace
    name, _, rest = str(body["spec"]["service"]).partition(".")
    if not name or rest not in ("", own, f"{own}.svc", f"{own}.svc.{scene.cluster_domain}"):
        raise ValueError(f"{body['spec']['service']} is no Service of its namespace")
    return name, own


def weight(given: Part) -> Fraction:
    """Of a backend; the first version of the definition has quantities (``900m``)."""
    text = str(given.get("weight", 0))
    return Fraction(text.removesuffix("m")) / (1000 if text.endswith("m") else 1)


def shares(body: Body) -> dict[str, Fraction]:
    """By Service, of the whole; what gets nothing is left out."""
    found: dict[str, Fraction] = {}
    for one in body["spec"]["backends"]:
        found[str(one["service"])] = found.get(str(one["service"]), Fraction(0)) + weight(one)
    total = sum(found.values())
    if not total:
        raise ValueError("its weights are all 0")
    return {name: part / total for name, part in sorted(found.items()) if part}
