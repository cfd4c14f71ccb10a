"""Facts remembered in the store, per cluster: for the time when a cluster cannot be asked, and for previews."""

from __future__ import annotations

from collections.abc import Container

from reconciler.io.recordings import facts_from_json, facts_to_json
from reconciler.model.facts import ClusterFacts, Facts
from reconciler.ports import Store


def recorded_cluster(store: Store, name: str) -> ClusterFacts | None:
    """The facts of the last discovery of a cluster."""
    value = store.get(f"facts/{name}")
    return facts_from_json(value).clusters.get(name) if value else None


def is_recorded(store: Store, name: str, recorded: Container[str]) -> bool:
    """Whether there are facts of a cluster; ``recorded``: those that this process has kept itself."""
    return name in recorded or store.get(f"facts/{name}") is not None


def record_clusters(store: Store, facts: Facts, recorded: dict[str, ClusterFacts]) -> None:
    """Keep what was read; written only where it changed. Remembered facts are not remembered anew. ``recorded``: what
    this process knows to be kept."""
    for name, found in facts.clusters.items():
        if name in facts.stale or recorded.get(name) is found:
            continue
        value = facts_to_json(Facts({name: found}))
        if store.get(f"facts/{name}") != value:
            store.put(f"facts/{name}", value)
        recorded[name] = found
