"""TrafficTargets that are imported let in whom they let in: an evaluator of its own, asked about random targets.

It knows nothing of how meanings are compared; it reads them as Open Service Mesh does: callers by ports, then requests
by conditions on whole values (pkg/envoy/lds/rbac.go, pkg/catalog/inbound_traffic_policies.go).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from random import Random
from typing import Any

import pytest

from reconciler.compile import compile_state
from reconciler.io.facts import cluster_facts
from reconciler.load import load
from reconciler.model.facts import Facts
from reconciler.model.imports import Fate, Import
from reconciler.pipeline.importing.reading import Asked, import_files
from reconciler.pipeline.importing.scaffold import scaffold
from reconciler.pipeline.meshes import installed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PORTS = {"store": {"http": 80, "tcp-pg": 5432}, "cart": {"http": 80}}
CALLERS = ("buyer", "thief")
REQUESTS = tuple(product(("/", "/a", "/a/b", "/ab", "/b.c"), ("GET", "POST"), (None, "x")))
EXPRESSIONS = ("/a", "/a.*", "/a(/.*)?", "^/a$", ".*b", "/[ab]", "/b\\.c", ".*", "(/a|/b.*)", "/a|/ab")
Body = Mapping[str, Any]


def body(version: str, kind: str, name: str, spec: Any, namespace: str = "shop") -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def pods(name: str, namespace: str, image: str = "app") -> dict[str, Any]:
    containers = [{"name": name, "image": image}]
    pod = {"metadata": {"labels": {"app": name}}, "spec": {"serviceAccountName": name, "containers": containers}}
    return body("apps/v1", "Deployment", name, {"template": pod}, namespace)


def facts() -> list[dict[str, Any]]:
    """Two services, their callers, and a mesh that refuses what nobody allows."""
    closed = {"traffic": {"enablePermissiveTrafficPolicyMode": False}}
    found = [
        pods("osm-controller", "osm-system", "openservicemesh/osm-controller:v1.2.4"),
        body("config.openservicemesh.io/v1alpha2", "MeshConfig", "osm-mesh-config", closed, "osm-system"),
        *(pods(name, "web") for name in CALLERS),
    ]
    for name, ports in PORTS.items():
        listed = [{"name": called, "port": number} for called, number in ports.items()]
        found += [pods(name, "shop"), body("v1", "Service", name, {"selector": {"app": name}, "ports": listed})]
    return found


def targets(random: Random) -> list[dict[str, Any]]:
    matches = [{"name": f"m{number}", **condition(random)} for number in range(3)]
    found = [
        body("specs.smi-spec.io/v1alpha4", "HTTPRouteGroup", "group", {"matches": matches}),
        body("specs.smi-spec.io/v1alpha4", "TCPRoute", "db", {"matches": {"ports": [5432]}}),
        body("specs.smi-spec.io/v1alpha4", "TCPRoute", "web", {"matches": {"ports": [80]}}),
    ]
    for number in range(random.randint(1, 3)):
        names = random.sample(("m0", "m1", "m2"), random.randint(1, 2))
        rules: list[dict[str, Any]] = [{"kind": "HTTPRouteGroup", "name": "group", "matches": names}]
        rules = rules if random.random() < 0.75 else []
        if not rules or random.random() < 0.5:
            rules += [{"kind": "TCPRoute", "name": one} for one in random.sample(("db", "web"), random.randint(1, 2))]
        to = {"kind": "ServiceAccount", "name": random.choice(("store", "cart")), "namespace": "shop"}
        callers = random.sample(CALLERS, random.choice((1, 1, 2)))
        sources = [{"kind": "ServiceAccount", "name": one, "namespace": "web"} for one in callers]
        spec = {"destination": to, "sources": sources, "rules": rules}
        found.append(body("access.smi-spec.io/v1alpha3", "TrafficTarget", f"t{number}", spec))
    return found


def condition(random: Random) -> dict[str, Any]:
    made: dict[str, Any] = {"pathRegex": random.choice(EXPRESSIONS)} if random.random() < 0.8 else {}
    if random.random() < 0.5:
        made["methods"] = random.choice((["GET"], ["GET", "POST"], ["*"]))
    if random.random() < 0.2:
        made["headers"] = [{"x-a": random.choice(("x", ".*", "y.*"))}]
    return made


def takes(match: Body, request: tuple[str, str, str | None]) -> bool:
    path, method, header = request
    wanted = {name: text for one in match.get("headers", ()) for name, text in one.items()}
    return (
        re.fullmatch(match.get("pathRegex", ".*"), path) is not None
        and bool({method, "*"} & set(match.get("methods", ["*"])))
        and all(header is not None and re.fullmatch(text, header) is not None for text in wanted.values())
    )


def let_in(bodies: list[Body], to: str, caller: str, port: str, request: tuple[str, str, str | None]) -> bool:
    """A connection to a port; on one that carries requests, a request."""
    known = {(one["kind"], one["metadata"]["name"]): one["spec"] for one in bodies}
    own = [
        spec
        for (kind, _), spec in known.items()
        if kind == "TrafficTarget"
        and spec["destination"]["name"] == to
        and caller in {one["name"] for one in spec["sources"]}
    ]
    connected = any(_opens(spec, PORTS[to][port], known) for spec in own)
    if port != "http":
        return connected
    conditions = [one for spec in own for one in _conditions(spec, known)]
    return connected and any(takes(one, request) for one in conditions)


def _opens(spec: Body, port: int, known: Mapping[tuple[str, str], Any]) -> bool:
    routes = [known["TCPRoute", one["name"]] for one in spec["rules"] if one["kind"] == "TCPRoute"]
    return not routes or any(port in route["matches"]["ports"] for route in routes)


def _conditions(spec: Body, known: Mapping[tuple[str, str], Any]) -> list[Body]:
    groups = [one for one in spec["rules"] if one["kind"] == "HTTPRouteGroup"]
    return [
        match
        for one in groups
        for match in known["HTTPRouteGroup", one["name"]]["matches"]
        if match["name"] in one.get("matches", ())
    ]


def decisions(bodies: list[Body]) -> list[bool]:
    asked = ((to, caller, port) for to, ports in PORTS.items() for caller in CALLERS for port in ports)
    return [let_in(bodies, *one, request) for one in asked for request in REQUESTS]


def compiled(made: Import) -> list[Body]:
    """What the documents of an import become, with the same facts."""
    tree, target = scaffold("smi", {"inCluster": {}})
    files = {**tree.files, **{path: text.encode() for path, text in made.files.items()}}
    desired, _ = load(type(tree)(tree.commit, files), tuple(installed()))
    assert desired is not None
    cluster = replace(cluster_facts(target.cluster, facts()), meshes=installed()["smi"].detect(facts()))
    state = compile_state(desired, Facts({target.cluster: cluster}), installed(), NOW)
    return [native.body for native in state.objects[target]]


@pytest.mark.parametrize("seed", range(16))
def test_whom_imported_targets_let_in_is_whom_they_let_in(seed: int) -> None:
    random, neutral = Random(seed), 0
    for _ in range(8):
        given = targets(random)
        made = import_files([*given, *facts()], Asked(installed(), NOW, mesh="smi"))
        fates = {one.fate for one in made.taken if one.key.kind == "TrafficTarget"}
        assert fates <= {Fate.NEUTRAL, Fate.OBJECT}
        neutral += Fate.NEUTRAL in fates
        assert decisions(compiled(made)) == decisions([dict(one) for one in given]), given
    assert neutral
