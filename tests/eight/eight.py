"""The eight policies that a mesh is measured by, and what each becomes on each mesh.

``policies/<policy>.yaml`` is said to all alike and begins with a line that tells what it asks; ``shop.yaml`` is in
every cluster; ``meshes/<mesh>.yaml`` is the rest: a Mesh document, a control plane, how namespaces are in the mesh.
``expected/<mesh>.yaml`` is what comes out; docs/eight-policies.md shows it side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.adapters.given import Loader, dump
from tests.cases.whole import API, compiled_files, told

HERE = Path(__file__).parent
CLUSTER = "c1"
POLICIES = (
    "split",
    "retry",
    "identity-and-path",
    "strict-mtls",
    "delay",
    "circuit-breaking",
    "failover",
    "shared-trust-domain",
)
TOGETHER = "together"
#: whose services a server knows, and no cluster; see test_consul_servers.py
SERVERS = "consul-servers"
MESHES = tuple(sorted({path.stem for path in (HERE / "meshes").glob("*.yaml")} - {SERVERS}))
Body = Mapping[str, Any]


def bodies(path: Path) -> list[Body]:
    return [body for body in yaml.load_all(path.read_text(), Loader) if body]


def live(mesh: str) -> list[Body]:
    """What lives in the cluster."""
    return [*bodies(HERE / "shop.yaml"), *(body for body in _given(mesh) if body["apiVersion"] != API)]


def documents(mesh: str, policies: Iterable[str]) -> Iterator[Body]:
    """What lies in Git; of the Mesh document what the mesh and the policies say together."""
    asked = [body for policy in policies for body in bodies(HERE / f"policies/{policy}.yaml")]
    (own,) = (body for body in _given(mesh) if body["apiVersion"] == API)
    spec = dict(own["spec"])
    for body in asked:
        if body["kind"] == "Mesh":
            spec |= body["spec"]
        else:
            yield body
    yield {**own, "spec": spec}


def outcome(mesh: str) -> dict[str, Any]:
    """By policy what that one alone is compiled to; and the objects that all of them are together."""
    return of_each(lambda policies: _outcome(mesh, policies))


def of_each(compiled: Callable[[Iterable[str]], dict[str, Any]]) -> dict[str, Any]:
    alone = {policy: compiled([policy]) for policy in POLICIES}
    return {**alone, TOGETHER: {"objects": compiled(POLICIES)["objects"]}}


def render(mesh: str) -> str:
    return dump(outcome(mesh))


def _outcome(mesh: str, policies: Iterable[str]) -> dict[str, Any]:
    cluster = {"all": {"hosts": {CLUSTER: {"connection": {"directory": "live"}}}}}
    files = {
        "desired-state/inventory.yaml": yaml.safe_dump(cluster).encode(),
        "policies/given.yaml": yaml.safe_dump_all(list(documents(mesh, policies))).encode(),
    }
    return told(*compiled_files(files, {CLUSTER: live(mesh)}))


def _given(mesh: str) -> list[Body]:
    return bodies(HERE / f"meshes/{mesh}.yaml")
