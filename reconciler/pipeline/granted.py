"""Which rights were found granted, per connection: asked once a process, and again after a write was forbidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model import clusters
from reconciler.model.rights import Right
from reconciler.ports import Cluster

#: a right (without a namespace) to the namespaces in which it is needed; none of them: everywhere
Needs = Mapping[Right, frozenset[str]]
_Connection = tuple[str, clusters.Connection]


@dataclass
class Granted:
    """One per process. A right may be granted everywhere, or in each namespace in which it is needed."""

    _known: dict[_Connection, set[Right]] = field(default_factory=dict)

    def forget(self, cluster: clusters.Cluster) -> None:
        """What was known does not hold any more."""
        self._known.pop((cluster.name, cluster.connection), None)

    async def missing(self, document: clusters.Cluster, cluster: Cluster, needs: Needs) -> tuple[Right, ...]:
        """What of the needs is not granted, sorted; only what is not known is asked. Raises ClusterError."""
        known = self._known.setdefault((document.name, document.connection), set())
        await _ask(cluster, [right for right in needs if not _holds(right, needs, known)], known)
        narrow = [one for right in needs if not _holds(right, needs, known) for one in _narrowed(right, needs)]
        await _ask(cluster, narrow, known)
        return tuple(sorted(one for right in needs for one in _lacking(right, needs, known)))


async def _ask(cluster: Cluster, rights: Iterable[Right], known: set[Right]) -> None:
    """``known`` grows by those that are granted."""
    asked = sorted(set(rights))
    if asked:
        known |= set(asked) - set(await cluster.missing_rights(asked))


def _narrowed(right: Right, needs: Needs) -> tuple[Right, ...]:
    return tuple(replace(right, namespace=namespace) for namespace in sorted(needs[right]))


def _holds(right: Right, needs: Needs, known: set[Right]) -> bool:
    narrow = _narrowed(right, needs)
    return right in known or (bool(narrow) and known.issuperset(narrow))


def _lacking(right: Right, needs: Needs, known: set[Right]) -> tuple[Right, ...]:
    """The right itself where it holds nowhere, else the namespaces in which it does not."""
    if _holds(right, needs, known):
        return ()
    lacking = tuple(one for one in _narrowed(right, needs) if one not in known)
    return lacking if len(lacking) < len(needs[right]) else (right,)
