"""Where what is said to the callers of a service lies, so that it holds for the right ones.

In the namespace of the service it holds for all callers of the mesh; in another one for those there (pkg/plugins/
policies/core/matchers/dataplane.go). Labels narrow either. Objects of one service are told apart by the policies that
ask for their timeouts and retries, since such a policy is about an object of routes as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envelopes import label_name
from reconciler.adapters.kuma.objects import NAMESPACE_LABEL, proxies
from reconciler.model.intents import HostIntent, MeshIntent, Route
from reconciler.model.workload_intents import WorkloadScope

EVERYONE = WorkloadScope()


@dataclass(frozen=True, slots=True)
class Place:
    """``about``: what tells it from other places of the service with the same callers."""

    scope: WorkloadScope
    about: tuple[str, ...] = ()

    def namespace(self, host: HostIntent) -> str:
        return self.scope.namespace or host.service.namespace

    def target(self, host: HostIntent, intent: MeshIntent) -> dict[str, Any]:
        """``targetRef``: the proxies of the callers."""
        return proxies(self._labels(host), intent)

    def strength(self, host: HostIntent) -> tuple[int, int]:
        """Of two policies the mesh prefers the one that names proxies by labels, then that of their namespace."""
        return (int(bool(self._labels(host))), int(self.namespace(host) != host.service.namespace))

    def name(self, host: HostIntent) -> str:
        """The name of the service for what is said to everyone; else marked."""
        service = host.service
        own = self.namespace(host) == service.namespace
        readable = service.name if own else f"{service.name}-{service.namespace}"
        identity = (service.name, service.namespace, str(self.scope), *self.about)
        return label_name(readable, identity, ambiguous=self != Place(EVERYONE))

    def _labels(self, host: HostIntent) -> dict[str, str]:
        labels = dict(self.scope.labels)
        if self.scope.namespace == host.service.namespace:
            labels[NAMESPACE_LABEL] = self.scope.namespace
        return labels


def scopes(route: Route) -> tuple[WorkloadScope, ...]:
    return route.sources or (EVERYONE,)


def asking(routes: Iterable[Route]) -> tuple[str, ...]:
    """Who asks for timeouts and retries of these routes."""
    paths = ("traffic.timeout.", "traffic.retries.")
    return tuple(
        sorted(
            {f"{leaf.path} {leaf.policy}" for route in routes for leaf in route.leaves if leaf.path.startswith(paths)}
        )
    )
