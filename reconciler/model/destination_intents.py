"""What a mesh is asked to know: hosts that are not plain services of its cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.destinations import DestinationPort, Endpoint
from reconciler.model.origins import Origin
from reconciler.model.refs import ServiceRef


@dataclass(frozen=True, slots=True)
class DestinationIntent:
    """A host to be known to the mesh. ``selector``: labels of the pods in its namespace that answer for it; else its
    ``endpoints``, or what ``resolution`` says of an external one. ``visible_to``: the only namespaces that see it."""

    service: ServiceRef  # ``host`` is the first of ``hosts``
    hosts: tuple[str, ...]
    ports: tuple[DestinationPort, ...]
    external: bool
    resolution: str  # Static | Dns | Dynamic | None
    endpoints: tuple[Endpoint, ...]
    selector: Mapping[str, str]
    visible_to: tuple[str, ...]
    origins: tuple[Origin, ...]
