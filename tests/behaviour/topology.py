"""The topology as each kind of mesh has it: declared in Git for proxies, or as objects of a cluster."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
API = "reconciler.dev/v1alpha1"
CLUSTER = "eu"
Document = dict[str, Any]


@cache
def topology() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.load((HERE / "topology.yaml").read_text(), yaml.CSafeLoader)
    return found


def place_of(workload: str) -> int:
    (found,) = (
        one["place"] for service in topology()["services"] for one in service["workloads"] if one["name"] == workload
    )
    return int(found)


def document(kind: str, name: str, spec: Mapping[str, Any]) -> Document:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


class Addresses:
    """Loopback addresses of one mesh, which no other mesh of this machine has as long as it is not closed."""

    def __init__(self) -> None:
        numbers = [*range(10, 250)]
        random.shuffle(numbers)
        self._number, self._held = next(found for number in numbers if (found := _hold(number)))

    def close(self) -> None:
        self._held.close()

    def proxy(self, place: int) -> str:
        return f"127.{self._number}.1.{place}"

    def service(self, place: int) -> str:
        return f"127.{self._number}.2.{place}"


def _hold(number: int) -> tuple[int, socket.socket] | None:
    held = socket.socket()
    try:
        held.bind((f"127.{number}.0.1", 1024))
    except OSError:
        held.close()
        return None
    return number, held


def declared(addresses: Addresses, mesh_type: str, folder: str, config: Mapping[str, Any]) -> list[Document]:
    """Desired state of a mesh whose services Git declares."""
    gateways = [
        {
            "name": one["name"],
            "role": "Ingress",
            "namespace": one["namespace"],
            "selector": {"matchLabels": one["labels"]},
            "addresses": [addresses.proxy(one["place"])],
            "port": one["port"],
        }
        for one in topology()["gateways"]
    ]
    mesh = {"type": mesh_type, "clusters": [CLUSTER], "gateways": gateways, "config": dict(config)}
    limits = {"maxDeletes": 10_000, "maxDeletePercent": 100}  # the documents of one case go for those of the next
    return [
        document("Reconciler", "main", {"mode": "Apply", "health": {"wait": "10s"}, "limits": limits}),
        document("Cluster", CLUSTER, {"connection": {"proxies": {"path": folder, "lifetime": "1h"}}}),
        document("Mesh", "local", mesh),
        *(_destination(one, addresses) for one in topology()["services"]),
    ]


def _destination(service: Mapping[str, Any], addresses: Addresses) -> Document:
    workloads = [
        {
            "name": one["name"],
            "address": addresses.proxy(one["place"]),
            "localAddress": addresses.service(one["place"]),
            "serviceAccount": {"name": one["account"], "namespace": service["namespace"]},
            "labels": one["labels"],
            **({"locality": one["locality"]} if "locality" in one else {}),
        }
        for one in service["workloads"]
    ]
    spec = {"hosts": [f"{service['name']}.{service['namespace']}"], "ports": service["ports"], "workloads": workloads}
    return document("Destination", service["name"], spec)


#: labels by which a namespace is in each of the meshes
_ENROLLED = {"istio-injection": "enabled", "kuma.io/sidecar-injection": "enabled"}


def orchestrated() -> list[Document]:
    """The same services as live objects of a cluster."""
    namespaces = sorted({one["namespace"] for part in ("services", "gateways") for one in topology()[part]})
    found = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _ENROLLED}}
        for name in namespaces
    ]
    for service in topology()["services"]:
        found += [_service(service), *(_deployment(service, one) for one in service["workloads"])]
    for gateway in topology()["gateways"]:
        found.append(_deployment({**gateway, "ports": []}, {**gateway, "account": gateway["name"]}))
    return found


def _service(service: Mapping[str, Any]) -> Document:
    ports = [{"name": one["name"], "port": one["number"], "targetPort": one["number"]} for one in service["ports"]]
    spoken = {f"{one['number']}.service.kuma.io/protocol": one["protocol"].lower() for one in service["ports"]}
    metadata = {"name": service["name"], "namespace": service["namespace"], "annotations": spoken}
    spec = {"selector": {"app": service["workloads"][0]["labels"]["app"]}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _deployment(service: Mapping[str, Any], workload: Mapping[str, Any]) -> Document:
    ports = [{"name": one["name"], "containerPort": one["number"]} for one in service["ports"]]
    pods = {"serviceAccountName": workload["account"], "containers": [{"name": "app", "ports": ports}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": workload["name"], "namespace": service["namespace"]},
        "spec": {"template": {"metadata": {"labels": workload["labels"]}, "spec": pods}},
    }
