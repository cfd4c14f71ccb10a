"""Imported access rules decide as they did: an evaluator of its own, asked about random policies and every request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "reviews", "namespace": "shop"},
    "spec": {
        "selector": {"app": "reviews"},
        "ports": [
            {"name": "http", "port": 9080, "targetPort": 8080},
            {"name": "http-admin", "port": 9090, "targetPort": 7070},
        ],
    },
}
ACCOUNTS = ("", "cluster.local/ns/shop/sa/web", "cluster.local/ns/batch/sa/web", "other.example/ns/shop/sa/web")
PATHS = ("/a", "/a/b", "/ab", "/b", "/b.png")
REQUESTS = tuple(product(ACCOUNTS, ("GET", "PUT"), PATHS, ("8080", "7070"), (None, "1", "12")))
PRINCIPALS = (
    "*",
    "cluster.local/ns/shop/sa/web",
    "cluster.local/ns/batch/sa/web",
    "other.example/*",
    "cluster.local/*",
)
Request = tuple[str, str, str, str, str | None]
Body = dict[str, Any]


def fits(pattern: str, value: str | None) -> bool:
    if value is None or value == "":
        return False
    if pattern == "*":
        return True
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value.endswith(pattern[1:]) if pattern.startswith("*") else value == pattern


def _any(patterns: list[str] | None, value: str | None) -> bool:
    return patterns is None or any(fits(pattern, value) for pattern in patterns)


def rule_takes(rule: Mapping[str, Any], request: Request) -> bool:
    account, method, path, port, header = request
    namespace = account.split("/")[2] if account else None
    sources = [one["source"] for one in rule.get("from", [])] or [{}]
    operations = [one["operation"] for one in rule.get("to", [])] or [{}]
    return (
        any(_any(one.get("principals"), account) and _any(one.get("namespaces"), namespace) for one in sources)
        and any(
            _any(one.get("methods"), method) and _any(one.get("paths"), path) and _any(one.get("ports"), port)
            for one in operations
        )
        and all(_condition(one, header) for one in rule.get("when", []))
    )


def _condition(given: Mapping[str, Any], header: str | None) -> bool:
    refused = any(fits(pattern, header) for pattern in given.get("notValues", []))
    return not refused and _any(given.get("values"), header)


def allowed(policies: list[Mapping[str, Any]], request: Request) -> bool:
    """A matching DENY refuses; where there is an ALLOW at all, one of them must match."""
    by_action: dict[str, list[bool]] = {"ALLOW": [], "DENY": []}
    for policy in policies:
        taken = any(rule_takes(rule or {}, request) for rule in policy.get("rules", []))
        by_action[policy.get("action", "ALLOW")].append(taken)
    return not any(by_action["DENY"]) and (not by_action["ALLOW"] or any(by_action["ALLOW"]))


def policy(random: Random, name: str) -> Body:
    spec = {
        "selector": {"matchLabels": {"app": "reviews"}},
        "action": random.choice(("ALLOW", "ALLOW", "DENY")),
        "rules": [rule(random) for _ in range(random.randint(1, 3))],
    }
    head = {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"}
    return {**head, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def rule(random: Random) -> Body:
    made: Body = {}
    if random.random() < 0.7:
        made["from"] = [{"source": source(random)} for _ in range(random.randint(1, 2))]
    if random.random() < 0.7:
        made["to"] = [{"operation": operation(random)} for _ in range(random.randint(1, 2))]
    if random.random() < 0.3:
        values = random.sample(["1", "1*", "*2", "*"], random.randint(1, 2))
        made["when"] = [{"key": "request.headers[x]", random.choice(("values", "notValues")): values}]
    return made


def source(random: Random) -> Body:
    made: Body = {"principals": random.sample(PRINCIPALS, random.randint(1, 2))} if random.random() < 0.6 else {}
    if not made or random.random() < 0.2:
        made["namespaces"] = random.sample(["shop", "batch"], random.randint(1, 2))
    return made


def operation(random: Random) -> Body:
    made: Body = {}
    if random.random() < 0.5:
        made["methods"] = random.sample(["GET", "PUT"], random.randint(1, 2))
    if random.random() < 0.5:
        made["paths"] = random.sample(["/a", "/a/*", "/a*", "*.png", "/b"], random.randint(1, 3))
    if not made or random.random() < 0.2:
        made["ports"] = [random.choice(("8080", "7070"))]
    return made


def imported(policies: list[Body]) -> Import:
    return import_files([*policies, SERVICE], Asked(installed(), NOW, mesh="istio"))


def compiled(made: Import) -> Iterator[Mapping[str, Any]]:
    tree, target = scaffold("istio", {"inCluster": {}})
    files = {**tree.files, **{path: text.encode() for path, text in made.files.items()}}
    desired, _ = load(type(tree)(tree.commit, files), tuple(installed()))
    assert desired is not None
    facts = Facts({target.cluster: cluster_facts(target.cluster, [SERVICE])})
    for native in compile_state(desired, facts, installed(), NOW).objects[target]:
        yield native.body["spec"]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_imported_decides_as_it_did(seed: int) -> None:
    random, neutral = Random(seed), 0
    for _ in range(8):
        policies = [policy(random, f"p{number}") for number in range(random.randint(1, 3))]
        made = imported(policies)
        neutral += sum(one.fate is Fate.NEUTRAL for one in made.taken)
        before = [one["spec"] for one in policies]
        after = list(compiled(made))
        for request in REQUESTS:
            assert allowed(after, request) == allowed(before, request), (request, before)
    assert neutral
