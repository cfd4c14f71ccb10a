"""How fast many policies are compiled for many clusters, and one changed policy of them; in CPU time of one process.

``python -m tests.bench.compiling POLICIES CLUSTERS`` prints it as JSON. Half of the policies are about traffic, half
about access, each for a service of its own.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from datetime import UTC, datetime
from statistics import median
from typing import Any

from reconciler.__main__ import COLLECT_AFTER
from reconciler.compile import Before, compile_again, compile_state
from reconciler.load import load
from reconciler.model.commits import Commit, SourceTree
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts, MeshFacts, PortFacts, ServiceFacts, WorkloadFacts
from reconciler.model.refs import ServiceRef
from reconciler.pipeline.meshes import installed

NAMESPACES = 50
TURNS = 5
_API = "apiVersion: reconciler.dev/v1alpha1\n"
_MESH = "kind: Mesh\nmetadata: {name: istio}\nspec: {type: istio, clusterSelector: {}}\n"


def state(policies: int, clusters: int, revision: str, timeout: str = "3s") -> DesiredState:
    """``timeout`` is that of the first policy."""
    hosts = "".join(f"    c{number}: {{connection: {{directory: live/c{number}}}}}\n" for number in range(clusters))
    files = {"desired-state/mesh.yaml": _API + _MESH, "desired-state/inventory.yaml": f"all:\n  hosts:\n{hosts}"}
    for number in range(policies):
        text = _access(number) if number % 2 else _traffic(number, "3s" if number else timeout)
        files[f"policies/p{number}.yaml"] = _API + text
    tree = SourceTree(Commit(revision), {path: text.encode() for path, text in files.items()}, {})
    desired, findings = load(tree, tuple(installed()))
    if desired is None:
        raise RuntimeError(str(findings[0]))
    return desired


def _name(number: int) -> str:
    return f"s{number}.ns{number % NAMESPACES}"


def _traffic(number: int, timeout: str) -> str:
    spec = f"{{to: [{_name(number)}], rule: {{timeout: {timeout}, retries: 2}}}}"
    return f"kind: TrafficPolicy\nmetadata: {{name: p{number}}}\nspec: {spec}\n"


def _access(number: int) -> str:
    spec = f"{{action: Allow, from: [{_name(number - 1)}], to: [{_name(number)}], match: [GET /x/*]}}"
    return f"kind: AccessPolicy\nmetadata: {{name: p{number}}}\nspec: {spec}\n"


def facts(services: int, cluster: str) -> ClusterFacts:
    places = [(f"s{number}", f"ns{number % NAMESPACES}") for number in range(services)]
    return ClusterFacts(
        cluster,
        services=tuple(
            ServiceFacts(ServiceRef(name, space, cluster), selector={"app": name}, ports=(PortFacts(80, "http", 8080),))
            for name, space in places
        ),
        workloads=tuple(WorkloadFacts("Deployment", space, name, {"app": name}, name) for name, space in places),
        meshes=(MeshFacts("istio", "istio-system", "1.27.1", trust_domain="cluster.local"),),
    )


def measure(policies: int, clusters: int) -> dict[str, Any]:
    """With the collector of cycles as the product sets it."""
    gc.set_threshold(*COLLECT_AFTER)
    adapters, now = installed(), datetime.now(UTC)
    known = Facts({f"c{number}": facts(policies, f"c{number}") for number in range(clusters)})
    first, second = state(policies, clusters, "0" * 40), state(policies, clusters, "1" * 40, "4s")
    compile_state(state(2, 1, "2" * 40), Facts({"c0": facts(2, "c0")}), adapters, now)  # reads what adapters consist of
    begun = time.process_time()
    whole = compile_state(first, known, adapters, now)
    taken = time.process_time() - begun
    again = []
    for _ in range(TURNS):
        begun = time.process_time()
        after = compile_again(Before(first, known, adapters, now, whole), second, known, adapters, now)
        again.append(time.process_time() - begun)
    changed = _differing(whole.objects, after.objects)
    if changed != clusters:
        raise RuntimeError(f"one policy changed {changed} objects on {clusters} clusters")
    size = sum(len(objects) for objects in whole.objects.values())
    return {
        "policies": policies,
        "clusters": clusters,
        "objects": size,
        "seconds": taken,
        "objects/s": size / taken,
        "one changed, ms": median(again) * 1000,
    }


def _differing(old: Any, new: Any) -> int:
    return sum(one != other for target in old for one, other in zip(old[target], new[target], strict=True))


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
