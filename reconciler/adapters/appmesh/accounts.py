"""Meshes that are reached by the API of AWS and not by a cluster of Kubernetes: services are the VirtualServices that
are there, under the names that callers dial, and VirtualNodes are what serves them, told apart by their tags.

Facts of such services carry the labels below. Which nodes serve one is told by the routes to it, by the tag ``service``
of a node, and by what a router of ours remembers: a node that gets no request for a while serves it all the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.adapters.appmesh.kinds import GROUP
from reconciler.adapters.appmesh.nodes import Node, known
from reconciler.adapters.raw import Object, name, namespace
from reconciler.model.facts import ClusterFacts, ServiceFacts, WorkloadFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

#: what callers dial, and the VirtualRouter that it leads to, where no other one does
CALLED, ROUTED = f"{GROUP}/called", f"{GROUP}/router"
#: on a VirtualRouter of ours: the VirtualNodes that serve its service
NODES = "reconciler.dev/nodes"
#: of a workload: its own name
NODE_LABEL = "virtualNode"
#: the object that tells of the account itself
ACCOUNT = "Account"
_KIND = "VirtualNode"


def in_account(facts: ServiceFacts) -> bool:
    """Whether a service is one of the API."""
    return CALLED in facts.labels


def serving(facts: ServiceFacts, cluster: ClusterFacts, part: Mapping[str, str] | None = None) -> list[WorkloadFacts]:
    """The nodes that serve a service, or the part of it with these labels."""
    found = cluster.workloads_with(facts.ref.namespace, {**facts.selector, **(part or {})})
    return sorted((one for one in found if one.kind == _KIND), key=lambda one: one.name)


def node(found: WorkloadFacts, intent: MeshIntent) -> Node:
    nodes = (one for one in known(intent.mesh) if (one.namespace, one.name) == (found.namespace, found.name))
    return next(nodes, Node(found.namespace, found.name))


def with_memory(router: NativeObject, facts: ServiceFacts, intent: MeshIntent) -> NativeObject:
    """The VirtualRouter of a service, with the nodes that serve it."""
    names = ",".join(one.name for one in serving(facts, intent.cluster))
    metadata = {**router.body["metadata"], "annotations": {NODES: names}}
    return NativeObject(router.key, router.kind, {**router.body, "metadata": metadata}, router.origins)


def service_of(body: Object, cluster: ClusterFacts) -> ServiceFacts | None:
    """The service whose VirtualService, or whose VirtualRouter, an object is."""
    for one in cluster.services:
        if in_account(one) and one.ref.namespace == namespace(body):
            said = {"VirtualService": one.labels[CALLED], "VirtualRouter": one.labels.get(ROUTED)}
            if said.get(str(body.get("kind"))) == name(body):
                return one
    return None


def part_of(found: WorkloadFacts, facts: ServiceFacts, cluster: ClusterFacts) -> dict[str, str]:
    """The labels by which one of several nodes of a service is told apart: one tag that all of them have, with a value
    of its own each (``version`` before others), else its name."""
    several = serving(facts, cluster)
    if len(several) == 1:
        return {}
    tags = sorted(found.labels.keys() - facts.selector.keys() - {NODE_LABEL}, key=lambda key: (key != "version", key))
    for tag in tags:
        values = [one.labels.get(tag, "") for one in several]
        if "" not in values and len(set(values)) == len(values):
            return {tag: found.labels[tag]}
    return {NODE_LABEL: found.name}
