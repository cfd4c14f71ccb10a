"""MeshProxyPatch: what a user has the proxies changed by, word for word."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built
from reconciler.adapters.envelopes import label_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.finished import finished
from reconciler.adapters.kuma.kinds import PROXY_PATCH
from reconciler.adapters.kuma.objects import build, proxies, system_namespace
from reconciler.model.canonical import encode
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.workload_intents import FilterIntent


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of every patch; the mesh has no modules and no scripts of its own."""
    for asked in intent.filters:
        gaps = Gaps()
        yield finished([proxy_patch(asked, intent, gaps)], gaps, asked.origins, intent)


def proxy_patch(asked: FilterIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    """The object of a patch on one scope with what cannot be said in ``gaps``."""
    if asked.kind != "filterPatch":
        gaps.error("mesh-inexpressible", f"the mesh has no object for {asked.kind}: write a filterPatch")
    if "targetRef" in asked.config:
        gaps.error("mesh-invalid-value", "what selects workloads is written from `workloads`, not in the patch")
    if asked.order:
        gaps.error("mesh-inexpressible", "the mesh applies patches by their names, and not in an order")
    scope, policy = asked.scope, asked.policy
    identity = (policy.namespace, policy.name, encode(list(scope.labels)))
    name = label_name(policy.name, identity, ambiguous=bool(scope.labels) or policy.namespace != "default")
    spec = {"targetRef": proxies(dict(scope.labels), intent), **asked.config}
    return build(intent, PROXY_PATCH, scope.namespace or system_namespace(intent), name, spec, asked.origins)
