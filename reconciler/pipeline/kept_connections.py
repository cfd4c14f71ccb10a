"""Connections that the runs of one process take over from each other, all in one event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model import clusters
from reconciler.ports import Cluster

LONGEST = timedelta(minutes=5)  # after which a kubeconfig is read anew though the connection works


@dataclass(slots=True)
class _Open:
    document: clusters.Cluster
    cluster: Cluster
    since: datetime | None = None  # the end of its first run

    def is_for(self, document: clusters.Cluster) -> bool:
        return (self.document.connection, self.document.limits) == (document.connection, document.limits)

    def is_fresh(self, now: datetime) -> bool:
        return self.since is None or timedelta(0) <= now - self.since < LONGEST


@dataclass
class KeptConnections:
    """A connection that is taken over goes on from what it has read, see ``reconciler.io.kube.lists``.

    What is retired is opened anew when it is asked for, and closed when no run is under way that may use it.
    """

    open_cluster: Callable[[clusters.Cluster], Cluster]
    _opened: dict[str, _Open] = field(default_factory=dict)
    _retired: list[Cluster] = field(default_factory=list)
    _runs: int = 0

    def begin(self) -> None:
        """A run begins."""
        self._runs += 1

    async def end(self, now: datetime) -> None:
        """A run is over: those that are old are retired. A clock that was set back makes all of them old."""
        self._runs -= 1
        self.retire([name for name, one in self._opened.items() if not one.is_fresh(now)])
        for one in self._opened.values():
            one.since = one.since or now
        while self._retired and not self._runs:
            await self._retired.pop().close()

    def to(self, cluster: clusters.Cluster) -> Cluster:
        """ClusterError when the connection cannot even be made up (no such kubeconfig)."""
        known = self._opened.get(cluster.name)
        if known is not None and not known.is_for(cluster):
            self.retire([cluster.name])
            known = None
        if known is None:
            known = self._opened[cluster.name] = _Open(cluster, self.open_cluster(cluster))
            known.cluster.stay()
        return known.cluster

    @property
    def names(self) -> frozenset[str]:
        """The clusters whose connection the next run takes over."""
        return frozenset(self._opened)

    def taken_over(self, name: str) -> bool:
        """Whether an earlier run has used it."""
        known = self._opened.get(name)
        return known is not None and known.since is not None

    def forget(self, name: str) -> None:
        """It is another's from now on, to close as well."""
        self._opened.pop(name, None)

    def retire(self, names: Iterable[str]) -> None:
        self._retired += [self._opened.pop(name).cluster for name in tuple(names) if name in self._opened]

    async def close(self) -> None:
        self.retire(tuple(self._opened))
        while self._retired:
            await self._retired.pop().close()
