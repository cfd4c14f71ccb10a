"""What the oldest of the running proxies does not know yet: with one field of it that proxy would take nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from reconciler.adapters.envoy.capabilities import claims
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.rules import Leaf
from reconciler.model.versions import is_older


@cache
def _since() -> Mapping[str, str]:
    return {path: claim.since for path, claim in claims().items() if claim.since}


def check_versions(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> None:
    running = intent.mesh.version
    for leaf in _leaves(host) if running else ():
        for path in _paths(leaf):
            since = _since().get(path)
            if since and is_older(running, since):
                told = f"{path} needs version {since} of the proxies; {running} is running"
                gaps.error("mesh-too-old", told, leaf)


def _leaves(host: HostIntent) -> Iterator[Leaf]:
    yield from host.host_leaves
    for leaves in host.part_leaves.values():
        yield from leaves
    for route in (*host.routes, *host.inbound):
        yield from route.leaves


def _paths(leaf: Leaf) -> Iterable[str]:
    below = leaf.value if isinstance(leaf.value, Mapping) else ()
    return (leaf.path, *(f"{leaf.path}.{field}" for field in below))
