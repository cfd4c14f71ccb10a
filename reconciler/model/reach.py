"""How far the configuration of callers reaches: what their proxies know of, and nothing else."""

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
class ReachIntent:
    """All that the callers with these labels in a namespace are to know of, besides what the mesh itself needs. Empty
    labels: all of the namespace but those who have a reach of their own, which then holds this one too."""

    namespace: str
    labels: Pairs
    services: tuple[ServiceRef, ...]
    origins: tuple[Origin, ...]
