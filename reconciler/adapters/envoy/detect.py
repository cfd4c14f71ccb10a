"""Recognises a folder of proxies, by what the I/O layer tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

from reconciler.adapters.envoy.kinds import FOLDER, GROUP
from reconciler.model.facts import MeshFacts
from reconciler.model.versions import is_older

TYPE = "envoy"
DEFAULT_TRUST_DOMAIN = "cluster.local"
DETECT_KINDS = (FOLDER,)


def detect(objects: Iterable[Mapping[str, Any]]) -> tuple[MeshFacts, ...]:
    """One mesh for the folder, whether or not a proxy runs already."""
    found = []
    for body in objects:
        if body.get("kind") == FOLDER.kind.kind and str(body.get("apiVersion", "")).startswith(GROUP):
            proxies = {str(version): int(count) for version, count in body["spec"]["proxies"].items()}
            version = (
                reduce(lambda first, other: other if is_older(other, first) else first, proxies) if proxies else ""
            )
            found.append(MeshFacts(TYPE, "", version, mtls="Strict", proxies=proxies, declared=True))
    return tuple(found)
