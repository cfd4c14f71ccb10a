"""Reads a whole-path case: documents and live objects of one cluster in, objects, verdicts and findings out.

``given.yaml`` is a stream of YAML documents. Those of ``reconciler.dev`` are the repository; every other one is a live
object of the cluster ``eu`` (or of the one that its annotation ``case/cluster`` names), and joins those of
``shop.yaml``, which are always there; one that has the same kind and name takes its place. A case without a ``Mesh``
document has one of type istio, one without a ``Cluster`` document the clusters that its objects name. Key sets
(``*jwks.json``) lie in ``policies``, what is below ``manifests`` lies there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from reconciler.compile import compile_state
from reconciler.compile.gates import with_fields
from reconciler.io.facts import cluster_facts, crd_facts
from reconciler.load import load
from reconciler.model.commits import Commit, SourceTree
from reconciler.model.facts import ClusterFacts, Facts
from reconciler.model.findings import Finding, Severity
from reconciler.model.native import Compiled, Verdict
from reconciler.model.refs import KindId
from reconciler.pipeline.meshes import installed
from tests.adapters import crds, webhook
from tests.adapters.given import Loader, dump

CASES = Path(__file__).parent
API = "reconciler.dev/v1alpha1"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MESH = {"apiVersion": API, "kind": "Mesh", "metadata": {"name": "istio"}}
MESH |= {"spec": {"type": "istio", "clusterSelector": {}}}
Body = Mapping[str, Any]


def compiled(case: Path, beside: Iterable[Body] = ()) -> tuple[Compiled, tuple[Finding, ...]]:
    """What a case is compiled to, and what loading it found; ``beside``: further live objects, of every cluster."""
    parts = [(text, yaml.load(text, Loader)) for text in re.split(r"(?m)^---\n", (case / "given.yaml").read_text())]
    given = [body for _, body in parts if body]
    live = _live([body for body in given if body.get("apiVersion") != API], tuple(beside))
    texts = [text for text, body in parts if body and body.get("apiVersion") == API]
    files = {"policies/given.yaml": "---\n".join(texts).encode()} | _defaults(given, live)
    files |= {f"policies/{file.name}": file.read_bytes() for file in case.glob("*jwks.json")}
    files |= {str(file.relative_to(case)): file.read_bytes() for file in case.glob("manifests/**/*.yaml")}
    return compiled_files(files, live)


def compiled_files(files: Mapping[str, bytes], live: Mapping[str, list[Body]]) -> tuple[Compiled, tuple[Finding, ...]]:
    """What a repository is compiled to, with these live objects by cluster."""
    desired, findings = load(SourceTree(Commit("0" * 40), files, {}), tuple(installed()))
    assert desired is not None, "\n".join(map(str, findings))
    facts = Facts({name: _facts(name, objects) for name, objects in live.items()})
    return compile_state(desired, facts, installed(), NOW), findings


def outcome(case: Path) -> dict[str, Any]:
    """Objects by target in order of wave; of the verdicts those that say more than native and applied."""
    return told(*compiled(case))


def told(made: Compiled, findings: Iterable[Finding]) -> dict[str, Any]:
    """The outcome of a compilation as it is written down."""
    objects = {
        str(target): [one.body for one in sorted(several, key=lambda one: (one.kind.wave, one.key))]
        for target, several in made.objects.items()
        if several
    }
    words = [one for one in (*findings, *made.findings) if one.severity is not Severity.INFO]
    return {
        "objects": objects,
        "verdicts": [_verdict(one) for one in made.verdicts],
        "findings": [f"{one.severity} {one.code} {one.message}" for one in dict.fromkeys(words)],
    }


def render(case: Path) -> str:
    return dump(outcome(case))


def unsound(body: Body) -> list[str]:
    """What the definition of its kind, and what is known of its webhook, have against an object."""
    schema = _definitions().get((body["apiVersion"], body["kind"]))
    return [*webhook.refusals(body), *(crds.problems(body, schema) if schema else ())]


@cache
def _definitions() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    # some meshes bring older definitions of the routes that they share with others
    ordered = sorted(installed(), key=lambda name: name == "gateway-api")
    return {key: schema for name in ordered for key, schema in crds.of(name).items()}


def _verdict(one: Verdict) -> str:
    where = ", ".join(ref.label for ref in one.destinations) or "all"
    told = f"{one.target} {one.policy} {where}: {one.capability} {one.level} {one.action}"
    return f"{told} ({one.note})" if one.note else told


def _live(objects: Iterable[Body], beside: tuple[Body, ...]) -> dict[str, list[Body]]:
    """The live objects by cluster, the standard ones in each."""
    own: dict[str, dict[tuple[str, ...], Body]] = {"eu": {}}
    for body in objects:
        annotations = (body.get("metadata") or {}).get("annotations") or {}
        own.setdefault(annotations.get("case/cluster", "eu"), {})[_key(body)] = body
    common = {_key(body): body for body in (*_shop(), *beside)}
    return {name: list((common | mine).values()) for name, mine in own.items()}


def _key(body: Body) -> tuple[str, ...]:
    metadata = body.get("metadata") or {}
    return (str(body.get("kind")), str(metadata.get("namespace", "")), str(metadata.get("name")))


@cache
def _shop() -> tuple[Body, ...]:
    return tuple(body for body in yaml.load_all((CASES / "shop.yaml").read_text(), Loader) if body)


def _facts(name: str, objects: list[Body]) -> ClusterFacts:
    """As discovery would have them. Without CRDs among the objects everything is taken to be served."""
    crds = with_fields(crd_facts(objects), installed().values(), _schemas(objects))
    found = cluster_facts(name, objects, version="1.31", crds=crds or None)
    return replace(found, meshes=tuple(mesh for one in installed().values() for mesh in one.detect(objects)))


def _schemas(objects: Iterable[Body]) -> dict[tuple[KindId, str], Body]:
    found = {}
    for body in objects:
        spec = body.get("spec") or {}
        for version in spec.get("versions", ()) if body.get("kind") == "CustomResourceDefinition" else ():
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            if schema:
                found[KindId(spec["group"], spec["names"]["kind"]), version["name"]] = schema
    return found


def _defaults(given: list[Body], live: Mapping[str, Any]) -> dict[str, bytes]:
    kinds = {body["kind"] for body in given if body.get("apiVersion") == API}
    files = {}
    if "Mesh" not in kinds:
        files["desired-state/mesh.yaml"] = yaml.safe_dump(MESH).encode()
    if "Cluster" not in kinds:
        hosts = {name: {"connection": {"directory": f"live/{name}"}} for name in sorted(live)}
        files["desired-state/inventory.yaml"] = yaml.safe_dump({"all": {"hosts": hosts}}).encode()
    return files
