"""Calls that leave the cluster: where only known hosts may be called, a policy in each namespace allows the cluster and
the hosts of Destinations, by the names that callers look up.

An agent learns which addresses a name has from answers that pass its DNS proxy (Documentation/security/policy/
layer3.rst, DNS based), so questions for names go there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.cilium.callers import NAMESPACE
from reconciler.adapters.cilium.kinds import EGRESS
from reconciler.adapters.cilium.selecting import open_namespaces
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.let_through import check_names, let_through
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.origins import Origin

NAME = "mesh-egress"
_CLUSTER = {"toEntities": ["cluster", "kube-apiserver"]}
_NAMES = {
    "toEndpoints": [{"matchLabels": {NAMESPACE: "kube-system", "k8s:k8s-app": "kube-dns"}}],
    "toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}], "rules": {"dns": [{"matchPattern": "*"}]}}],
}
Native = dict[str, Any]


def emit(intent: MeshIntent) -> Iterable[Built]:
    """Where calls may go anywhere there is nothing to say, of Destinations neither."""
    known: list[DestinationIntent] = []
    for one in intent.destinations:
        gaps = Gaps()
        check_names(one, gaps)
        known += [] if gaps.blocking else [one]
        yield from let_through(one, (), gaps, intent)
    if intent.egress is not None and intent.egress.mode == "RegistryOnly":
        made = [_policy(namespace, known, intent.egress.origins, intent) for namespace in open_namespaces(intent)]
        yield built(made, Gaps(), intent.egress.origins, intent)


def _policy(
    namespace: str, known: Iterable[DestinationIntent], asked: Iterable[Origin], intent: MeshIntent
) -> NativeObject:
    seen = [one for one in known if not one.visible_to or namespace in one.visible_to]
    rules = [_CLUSTER, *([_NAMES, *map(_rule, seen)] if seen else [])]
    origins = {*asked, *(origin for one in seen for origin in one.origins)}
    return build(intent, EGRESS, namespace, NAME, {"endpointSelector": {}, "egress": rules}, origins)


def _rule(one: DestinationIntent) -> Native:
    names = [{"matchPattern" if "*" in host else "matchName": host} for host in one.hosts]
    ports = [{"port": str(port.number), "protocol": "TCP"} for port in one.ports]
    return {"toFQDNs": names} | ({"toPorts": [{"ports": ports}]} if ports else {})
