"""Services whose workloads are not in the mesh, and what puts them there."""

from __future__ import annotations

from reconciler.adapters import outside
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef

_HINTS = outside.Hints(
    namespace="annotate it linkerd.io/inject: enabled, and start its pods anew",
    pods="see the annotation linkerd.io/inject of their pods",
)


def tell_outside(service: ServiceRef, intent: MeshIntent, gaps: Gaps) -> None:
    outside.tell_outside(service, intent, gaps, _HINTS)
