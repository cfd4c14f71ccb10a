"""What the policies of a case become on the meshes whose services a cluster knows: objects, verdicts and findings."""

from __future__ import annotations

from functools import cache

import yaml

from reconciler.pipeline.meshes import installed
from tests.adapters.given import dump
from tests.behaviour.cases import Case, placed
from tests.behaviour.topology import CLUSTER, document, orchestrated, topology
from tests.cases.whole import CASES, Body, compiled_files, told


def others() -> list[str]:
    return sorted(name for name, adapter in installed().items() if not adapter.default_mesh.declared)


def render(case: Case, other: str) -> str:
    """As YAML."""
    gateways = [
        {"name": one["name"], "role": "Ingress", "namespace": one["namespace"], "port": one["port"],
         "selector": {"matchLabels": one["labels"]}}
        for one in topology()["gateways"]
    ]  # fmt: skip
    config = {"config": dict(case.mesh)} if case.mesh else {}
    state = [
        document("Cluster", CLUSTER, {"connection": {"directory": {"path": "live"}}}),
        document("Mesh", "local", {"type": other, "clusters": [CLUSTER], "gateways": gateways, **config}),
    ]
    files = {
        "desired-state/mesh.yaml": yaml.safe_dump_all(state).encode(),
        "policies/given.yaml": placed(case.given, lambda place: f"192.0.2.{place}").encode(),
    }
    return dump(told(*compiled_files(files, {CLUSTER: [*_control_planes(), *orchestrated()]})))


@cache
def _control_planes() -> tuple[Body, ...]:
    """The control planes of the other cases; their services are not those of these."""
    found = yaml.load_all((CASES / "shop.yaml").read_text(), yaml.CSafeLoader)
    return tuple(
        body
        for body in found
        if body and (body["metadata"].get("namespace") or body["metadata"]["name"]) not in ("shop", "batch")
    )
