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
    """What happens to requests for one host (``*``: any) on some listeners: routes, the most specific first.

    Where ``passes_on`` connections are seen only: the routes then have backends and nothing else.
    """

    host: str
    listeners: tuple[str, ...]
    routes: tuple[Route, ...]
    passes_on: bool = False


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
