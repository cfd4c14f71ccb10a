"""How a route names where it sends: a host, a part of it, and a port."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.forwarding import has_subset
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.objects import fqdn
from reconciler.model.intents import Backend, MeshIntent


def reference(backend: Backend, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """``destination`` of a route."""
    native: dict[str, Any] = {"host": fqdn(backend.service, intent)}
    if backend.subset:
        native["subset"] = backend.subset
        if not has_subset(backend, intent):
            gaps.error("subset-unknown", f"no subset {backend.subset!r} of {backend.service} is defined")
    return native | {"port": {"number": backend.port}} if backend.port else native
