"""Parts of a service: those that resolvers tell by one value each of the Meta of instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.consul.kinds import SERVICE_RESOLVER
from reconciler.adapters.consul.meaning.chains import Share
from reconciler.adapters.consul.meaning.entries import Entries
from reconciler.adapters.consul.meaning.settings import meta
from reconciler.adapters.importing import Unsayable
from reconciler.adapters.leaves import section
from reconciler.adapters.rest import Rest

Part = Mapping[str, Any]


def subsets_of(given: Part, rest: Rest) -> list[dict[str, Any]]:
    """``subsets`` of a Destination; what else a resolver says of one goes into ``rest``."""
    found = []
    for name, one in sorted(given.items()):
        rest.keep(one, ("filter",), "subsets", name)
        found.append({"name": name, "labels": _labels(name, one)})
    return found


def check_subset(share: Share, entries: Entries) -> None:
    """Unsayable where a share goes to a part that no document names."""
    resolver = entries.of(SERVICE_RESOLVER, share.service) if share.subset else {}
    known = section(section(resolver or {}, "spec"), "subsets")
    if share.subset and share.subset not in known:
        raise Unsayable(f"subset {share.subset} of {share.service} is not among the objects")
    if share.subset:
        _labels(share.subset, known[share.subset])


def _labels(name: str, given: Part) -> dict[str, str]:
    labels = meta(str(given.get("filter") or ""))
    if not labels:
        raise Unsayable(f"subset {name} is told by something else than the Meta of instances")
    return labels
