"""What is registered in Consul, as facts: a service is what Consul knows by its name, a workload a group of its
instances with the same ``Meta``, by which subsets are told apart. Who an instance is says the name of its service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.io.consul.client import Client
from reconciler.io.consul.kinds import API_VERSION, DATACENTER, NAMESPACE
from reconciler.model.facts import ClusterFacts, PortFacts, ServiceFacts, WorkloadFacts
from reconciler.model.refs import ServiceRef
from reconciler.ports import ClusterError, Forbidden, Rejected

#: the label by which a service selects its instances; the rest of their labels is their ``Meta``
SERVICE_LABEL = "service"
_AT_ONCE = 8
_GATEWAYS = {
    "ingress-gateway": "Ingress",
    "api-gateway": "Ingress",
    "mesh-gateway": "EastWest",
    "terminating-gateway": "Egress",
}
Instance = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """Instances of each service by its name; ``protocols``: what service-defaults and proxy-defaults say of them."""

    instances: Mapping[str, list[Instance]]
    protocols: Mapping[str, str]
    default_protocol: str


async def registered(client: Client) -> Registered:
    names = sorted(await client.get("catalog/services") or {})
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> list[Instance]:
        async with turn:
            return list(await client.get(f"catalog/service/{quote(name, safe='')}") or ())

    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(one(name)) for name in names}
    except* ClusterError as problems:
        raise problems.exceptions[0] from None
    defaults = await client.get("config/service-defaults") or ()
    return Registered(
        {name: task.result() for name, task in tasks.items()},
        {str(entry["Name"]): str(entry.get("Protocol") or "") for entry in defaults},
        await _default_protocol(client),
    )


async def _default_protocol(client: Client) -> str:
    try:
        entry = await client.get("config/proxy-defaults/global") or {}
    except Forbidden:
        return ""
    return str((entry.get("Config") or {}).get("protocol") or "")


def facts(cluster: str, found: Registered) -> ClusterFacts:
    """Services that are not proxies, gateways, or the servers themselves."""
    plain = {name: several for name, several in found.instances.items() if _is_plain(name, several)}
    return ClusterFacts(
        cluster=cluster,
        namespaces={NAMESPACE: {}},
        services=tuple(_service(cluster, name, several, found) for name, several in sorted(plain.items())),
        workloads=tuple(one for name, several in sorted(plain.items()) for one in _workloads(name, several)),
    )


def _is_plain(name: str, several: Iterable[Instance]) -> bool:
    return name != "consul" and all(not one.get("ServiceKind") for one in several)


def _service(cluster: str, name: str, several: list[Instance], found: Registered) -> ServiceFacts:
    protocol = found.protocols.get(name) or found.default_protocol
    numbers = sorted({int(one.get("ServicePort") or 0) for one in several} - {0})
    ports = (PortFacts(numbers[0], app_protocol=protocol),) if numbers else ()
    return ServiceFacts(ServiceRef(name, NAMESPACE, cluster), {}, {SERVICE_LABEL: name}, ports)


def _workloads(name: str, several: Iterable[Instance]) -> Iterable[WorkloadFacts]:
    groups: dict[tuple[tuple[str, str], ...], str] = {}
    for one in sorted(several, key=lambda one: str(one.get("ServiceID"))):
        meta = tuple(sorted((str(k), str(v)) for k, v in (one.get("ServiceMeta") or {}).items()))
        groups.setdefault(meta, str(one.get("ServiceID") or name))
    for meta, first in sorted(groups.items()):
        yield WorkloadFacts("Instance", NAMESPACE, first, {**dict(meta), SERVICE_LABEL: name}, name)


async def datacenter(client: Client, found: Registered, named: str) -> dict[str, Any]:
    """What the servers tell of themselves, as the one object in which the adapter recognises them."""
    itself = await _allowed(client, "agent/self") or {}
    config, debug = itself.get("Config") or {}, itself.get("DebugConfig") or {}
    roots = await _allowed(client, "connect/ca/roots") or {}
    spec = {
        "version": str(config.get("Version") or ""),
        "datacenter": named or str(config.get("Datacenter") or ""),
        "trustDomain": str(roots.get("TrustDomain") or ""),
        "defaultPolicy": default_policy(debug),
        "gateways": [_gateway(name, several) for name, several in sorted(found.instances.items()) if _role(several)],
        "outside": _outside(found),
    }
    metadata = {"name": spec["datacenter"] or "datacenter"}
    return {"apiVersion": API_VERSION, "kind": DATACENTER, "metadata": metadata, "spec": spec}


def default_policy(debug: Mapping[str, Any]) -> str:
    """What becomes of a call that no intention speaks of; "" where the token may not see it. Without access control it
    is let in, unless servers since 1.17 are told otherwise. Later servers have what is said of tokens in a part of its
    own (agent/config/runtime.go)."""
    of_tokens = debug.get("ACLResolverSettings") or debug
    without = "allow" if debug.get("ACLsEnabled") is False else ""
    return str(debug.get("DefaultIntentionPolicy") or without or of_tokens.get("ACLDefaultPolicy") or "")


async def _allowed(client: Client, path: str) -> Any:
    """None where the token may not see it, or the server has it switched off."""
    try:
        return await client.get(path)
    except (Forbidden, Rejected):
        return None


def _role(several: Iterable[Instance]) -> str:
    return next((_GATEWAYS[kind] for one in several if (kind := str(one.get("ServiceKind") or "")) in _GATEWAYS), "")


def _gateway(name: str, several: list[Instance]) -> dict[str, Any]:
    addresses = sorted({str(one.get("ServiceAddress") or one.get("Address") or "") for one in several} - {""})
    ports = sorted({int(one.get("ServicePort") or 0) for one in several} - {0})
    return {"name": name, "role": _role(several), "addresses": addresses, "ports": ports}


def _outside(found: Registered) -> list[str]:
    """The workloads that are not in the mesh."""
    proxied = _proxied(found)
    others = ((name, several) for name, several in found.instances.items() if name not in proxied)
    return sorted(one.name for name, several in others if _is_plain(name, several) for one in _workloads(name, several))


def _proxied(found: Registered) -> set[str]:
    """Services with a proxy beside them, or that are in the mesh by themselves."""
    names = set()
    for name, several in found.instances.items():
        for one in several:
            if one.get("ServiceKind") == "connect-proxy":
                names.add(str((one.get("ServiceProxy") or {}).get("DestinationServiceName") or ""))
            elif (one.get("ServiceConnect") or {}).get("Native"):
                names.add(name)
    return names - {""}
