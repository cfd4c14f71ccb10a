"""What a mesh is asked to let in: listeners of a gateway with what goes where, resolved and merged."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.facts import GatewayFacts
from reconciler.model.ingress import Listener
from reconciler.model.origins import Origin
from reconciler.model.refs import DocRef
from reconciler.model.routing import Route


@dataclass(frozen=True, slots=True)
class HostTable:
    """What happens to requests for one host (``*``: any) on a listener: routes, the most specific first. Where that
    carries no HTTP, connections are seen only, and the routes are to have backends and nothing else."""

    host: str
    listener: Listener
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class GatewayIntent:
    """One Ingress document on one gateway. ``gateway`` None: it is to be made, of ``class_name``, in ``namespace``."""

    policy: DocRef
    namespace: str
    listeners: tuple[Listener, ...]
    tables: tuple[HostTable, ...]
    origins: tuple[Origin, ...]
    gateway: GatewayFacts | None = None
    class_name: str = ""

    @property
    def own_origins(self) -> tuple[Origin, ...]:
        """Of the document itself, without the tables that it delegates to: these say nothing of listeners."""
        return tuple(origin for origin in self.origins if origin.ref == self.policy)
