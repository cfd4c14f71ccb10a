"""The last look at what was made: whether the control plane will see it where it lies."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.enrolment import INJECTION
from reconciler.adapters.kuma.kinds import GROUP
from reconciler.adapters.kuma.objects import system_namespace
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef


def finished(
    made: Iterable[NativeObject | None],
    gaps: Gaps,
    origins: Iterable[Origin],
    intent: MeshIntent,
    service: ServiceRef | None = None,
) -> Built:
    """As ``built``. A policy in a namespace that the webhooks do not look at keeps no role, which the mesh reads as one
    for all of its workloads: an error."""
    objects = [one for one in made if one is not None]
    mine = {one.key.namespace for one in objects if one.key.group == GROUP} - {system_namespace(intent)}
    if mine and intent.mesh.settings.get("mode") == "global":
        told = "the control plane here is the global one, which takes policies of namespaces from its zones only"
        gaps.error("mesh-inexpressible", told, hint="name the clusters of the zones in the Mesh document")
    for namespace in () if gaps.blocking else sorted(mine):
        check_namespace(namespace, intent, gaps)
    return built(objects, gaps, origins, intent, service)


def check_namespace(namespace: str, intent: MeshIntent, gaps: Gaps) -> None:
    """A gap for a namespace in which no policy may lie."""
    labels = intent.cluster.namespaces.get(namespace)
    if labels is not None and INJECTION not in labels:
        told = f"namespace {namespace} has no label {INJECTION}, so that policies in it hold for the whole mesh"
        gaps.error("namespace-not-enrolled", told, hint=f"set {INJECTION} on the namespace, to enabled or disabled")
