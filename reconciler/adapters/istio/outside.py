"""Services whose workloads are not in the mesh, all of them or some, and what puts them there."""

from __future__ import annotations

from reconciler.adapters import outside
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef

_HINTS = outside.Hints(
    namespace="label it istio-injection=enabled, or with the revision in istio.io/rev",
    pods="see the labels of their pods: sidecar.istio.io/inject, istio.io/rev, istio.io/dataplane-mode",
)


def tell_outside(service: ServiceRef, intent: MeshIntent, gaps: Gaps) -> None:
    outside.tell_outside(service, intent, gaps, _HINTS)
