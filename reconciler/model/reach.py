"""What holds for the proxies of callers: how far their configuration reaches, and how they are run."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.origins import Origin
from reconciler.model.refs import ServiceRef
from reconciler.model.selectors import Pairs


@dataclass(frozen=True, slots=True)
class EgressIntent:
    """What the proxies of the mesh do with calls to hosts that it does not know: AllowAny | RegistryOnly."""

    mode: str
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class ProxyIntent:
    """How the proxies of the mesh are run: whether they answer the questions of workloads for names, and whether
    workloads start after them. None: as the mesh is configured."""

    dns_capture: bool | None
    hold: bool | None
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class ReachIntent:
    """All that the callers with these labels in a namespace are to know of, besides what the mesh itself needs. Empty
    labels: all of the namespace but those who have a reach of their own, which then holds this one too."""

    namespace: str
    labels: Pairs
    services: tuple[ServiceRef, ...]
    origins: tuple[Origin, ...]
