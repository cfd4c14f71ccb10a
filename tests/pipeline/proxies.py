"""A fleet whose cluster ``eu`` is a folder of proxies, with services that its documents declare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.pipeline.fleet import Fleet

API = "reconciler.dev/v1alpha1"
CONNECTION = {"proxies": {"path": "live/eu"}}
HTTP = {"number": 8080, "name": "http", "protocol": "HTTP", "targetPort": 9000}


def proxies(folder: Path) -> ProxyFleet:
    """``web`` and ``cart`` have one workload, ``reviews`` has ``v1`` and ``v2``; a policy splits between these."""
    made = ProxyFleet(folder, {"eu": CONNECTION})
    made.file("desired-state/mesh.yaml", document("Mesh", "mesh", {"type": "envoy", "clusters": ["eu"]}))
    for number, name in enumerate(("web", "cart"), 1):
        made.service(name, workload(name, number))
    made.service("reviews", *(workload("reviews", 10 + n, version=f"v{n}") for n in (1, 2)))
    made.commit("proxies")
    return made


class ProxyFleet(Fleet):
    def service(self, name: str, *workloads: Mapping[str, Any], **over: Any) -> None:
        spec = {"hosts": [f"{name}.shop"], "ports": [HTTP], "workloads": list(workloads), **over}
        self.file(f"desired-state/services/{name}.yaml", document("Destination", name, spec))

    def proxy(self, name: str = "", namespace: str = "shop") -> Path:
        return self.repo / "live/eu" / namespace / name

    def files(self) -> dict[str, bytes]:
        """All but the secrets of proxies and of their authority."""
        root = self.repo / "live/eu"
        found = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.json"))]
        return {name: (root / name).read_bytes() for name in found if "/secrets/" not in name}

    def secrets(self) -> dict[str, bytes]:
        """The certificate of each proxy, with its key."""
        return {path.parts[-3]: path.read_bytes() for path in self.proxy().glob("*/secrets/identity.json")}

    def resources(self, proxy: str, file: str) -> dict[str, dict[str, Any]]:
        """By name; of a route configuration its virtual hosts."""
        found = json.loads((self.proxy(proxy) / file).read_text())["resources"]
        if file.startswith("routes/"):
            found = found[0]["virtual_hosts"]
        return {one["name"]: one for one in found}


def workload(account: str, place: int, **labels: str) -> dict[str, Any]:
    name = "-".join([account, *labels.values()])
    return {
        "name": name,
        "address": f"127.77.1.{place}",
        "localAddress": f"127.77.2.{place}",
        "serviceAccount": {"name": account, "namespace": "shop"},
        "labels": labels,
    }


def document(kind: str, name: str, spec: Mapping[str, Any]) -> str:
    return yaml.safe_dump({"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)})
