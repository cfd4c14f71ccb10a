"""A subset is a Service of its own: the selector of its service and the labels of the subset, with the same ports.

It carries the label by which the compiler knows that it is no service that people speak of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.envelopes import build, label_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.standard.written import SERVICE
from reconciler.model.destinations import Subset
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import SUBSET_LABEL, NativeObject
from reconciler.model.refs import ServiceRef


def services(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    """A Service for each subset of a host that some route sends to."""
    wanted = used(host.service, intent)
    for subset in sorted(host.subsets, key=lambda one: one.name):
        facts = intent.cluster.service(host.service.name, host.service.namespace)
        if subset.name not in wanted:
            continue
        if problem := missing(facts, host.service):
            gaps.error("workloads-unknown", problem)
            continue
        assert facts is not None
        made = _service(facts, subset, intent, host)
        yield made


def _service(facts: ServiceFacts, subset: Subset, intent: MeshIntent, host: HostIntent) -> NativeObject:
    spec = {
        "ports": [_port(port) for port in facts.ports],
        "selector": dict(sorted({**facts.selector, **dict(subset.labels)}.items())),
    }
    made = build(intent, SERVICE, facts.ref.namespace, name_of(facts.ref, subset.name, intent), spec, host.origins)
    metadata = made.body["metadata"] | {"labels": {SUBSET_LABEL: facts.ref.name}}
    return NativeObject(made.key, made.kind, {**made.body, "metadata": metadata}, made.origins)


def _port(port: PortFacts) -> dict[str, Any]:
    native: dict[str, Any] = {"port": port.number, "protocol": port.protocol}
    native |= {"name": port.name} if port.name else {}
    native |= {"targetPort": port.target or port.number}  # as the server would, so that it is nothing to be tried out
    return native | ({"appProtocol": port.app_protocol} if port.app_protocol else {})


def name_of(service: ServiceRef, subset: str, intent: MeshIntent) -> str:
    """``reviews-v1``; marked where there is another Service of that name already."""
    readable = f"{service.name}-{subset}"
    taken = intent.cluster.service(readable, service.namespace) is not None
    return label_name(readable, (service.namespace, service.name, subset), ambiguous=taken)


def missing(facts: ServiceFacts | None, service: ServiceRef) -> str:
    """Why no part of a service can be made a Service, or ""."""
    if facts is None:
        return f"{service.name}.{service.namespace} is not there yet, so no Service of a part of it can be written"
    if not facts.selector or not facts.ports:
        return f"{service.name}.{service.namespace} has no selector or no ports, so no part of it can be a Service"
    return ""


def used(service: ServiceRef, intent: MeshIntent) -> frozenset[str]:
    """The names of the subsets of a service that any route or mirror sends to, of a service or of a gateway."""
    return frozenset(one.subset for one in intent.sent_to.get((service.name, service.namespace), ()) if one.subset)
