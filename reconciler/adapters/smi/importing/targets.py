"""TrafficTargets with what they refer to: each becomes an AccessPolicy about the Service of the workloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.protocols import workload_ports
from reconciler.adapters.smi.detect import TYPE
from reconciler.adapters.smi.importing.requests import matches
from reconciler.adapters.smi.meaning.access import Account, Known, Target, read
from reconciler.adapters.smi.products import of_mesh
from reconciler.model.facts import ServiceFacts, WorkloadFacts


def traffic_target(body: Body, known: Known, scene: Scene) -> Draft:
    key, spec = key_of(body), body["spec"]
    only(spec, ("destination", "sources", "rules"), "spec")
    target = read(body, known, scene)
    if target.lacking:
        raise Unsayable(f"{target.lacking[0]}, which it refers to, is not among the objects")
    own = _service(target.account, scene)
    if own.ref.namespace != key.namespace and not scene.rename:
        raise Unsayable(f"it would come back in {own.ref.namespace}, which --rename allows")
    if not target.requests and not target.ports:
        raise Unsayable("it names no requests and no ports")
    made: dict[str, Any] = {"action": "Allow", "from": [f"sa/{name}.{space}" for space, name in target.sources]}
    made["to"] = [_to(target, own, scene)]
    if target.requests and (found := matches([one for one, _ in target.requests], of_mesh(scene.mesh))):
        made["match"] = found
    made |= named(TYPE, body, "", scene)
    return Draft(key, ({"kind": "AccessPolicy", "name": key.name, "spec": made},))


def _service(account: Account, scene: Scene) -> ServiceFacts:
    """The Service whose workloads are all that run under an account: of several one that has its name, or the first."""
    under = scene.cluster.workloads_under(*account)
    found = [one for one in scene.cluster.services if _is_behind(one, under, scene)]
    if not under or not found:
        raise Unsayable(f"no known Service selects exactly the workloads of account {'/'.join(account)}")
    return min(found, key=lambda one: (one.ref.name != account[1], one.ref))


def _is_behind(service: ServiceFacts, under: Sequence[WorkloadFacts], scene: Scene) -> bool:
    behind = scene.cluster.workloads_with(service.ref.namespace, service.selector) if service.selector else ()
    return bool(behind) and all(one in under for one in behind) and all(one in behind for one in under)


def _to(target: Target, service: ServiceFacts, scene: Scene) -> Any:
    """With ports where connections to some ports are meant, and not to all."""
    by_port = {port.number: workload_ports(port, service, scene.cluster) for port in service.ports}
    every = {number for numbers in by_port.values() for number in numbers}
    if target.ports is None or not target.ports or (target.requests and target.ports >= every):
        return scene.short(service.ref)
    if target.ports - every:
        raise Unsayable(f"ports {sorted(target.ports - every)} are no ports of {service.ref.label}")
    ports = [number for number, numbers in sorted(by_port.items()) if numbers and numbers <= target.ports]
    return {"services": [scene.short(service.ref)], "ports": ports}
