"""Every example is a repository that works: validate, plan, apply, and a second apply that finds nothing to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.examples.console import BLOCK, Console, fits, page_with, steps

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/desired-state"))
#: clusters that are folders of YAML; test_kubernetes.py and test_local_mesh.py have the others
OFFLINE = [name for name in NAMES if name not in ("kubernetes", "local-mesh")]

#: objects by (cluster, kind, name)
Objects = Mapping[tuple[str, str, str], dict[str, Any]]


def copied(name: str, folder: Path) -> Console:
    """The example as a repository of its own, committed."""
    repo, state = folder / "repo", folder / "state"
    state.mkdir()
    shutil.copytree(EXAMPLES / name, repo, ignore=shutil.ignore_patterns(".clusters", "rendered", ".git"))
    console = Console(repo, state)
    for command in ("git init -q -b main", "git add .", "git commit -qm 'First policy'"):
        assert console.run(command) == (0, "")
    return console


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], Console]:
    return lambda name: copied(name, tmp_path)


def written(console: Console) -> Objects:
    """What lies in the clusters of an example: in .clusters/<cluster> or rendered/<cluster>."""
    found = {}
    for folder in (".clusters", "rendered"):
        for path in sorted((console.repo / folder).rglob("*.yaml")):
            body = yaml.safe_load(path.read_text())
            cluster = path.relative_to(console.repo / folder).parts[0]
            found[cluster, body["kind"], body["metadata"]["name"]] = body
    return found


def weights(routes: list[dict[str, Any]]) -> list[dict[str, int]]:
    """Per route the weight of each subset."""
    return [{to["destination"]["subset"]: to.get("weight", 100) for to in route["route"]} for route in routes]


def quickstart(objects: Objects) -> None:
    assert {key[1:] for key in objects} == {("DestinationRule", "reviews"), ("VirtualService", "reviews")}
    assert weights(objects["local", "VirtualService", "reviews"]["spec"]["http"]) == [{"v1": 90, "v2": 10}]


def canary(objects: Objects) -> None:
    routes = objects["local", "VirtualService", "checkout"]["spec"]["http"]
    assert weights(routes) == [{"beta": 100}, {"stable": 100}]
    assert [bool(route.get("match")) for route in routes] == [True, False]
    assert [route["timeout"] for route in routes] == ["5s", "5s"]


def default_deny(objects: Objects) -> None:
    assert objects["local", "AuthorizationPolicy", "mesh-default-deny"]["spec"] == {}
    assert objects["local", "PeerAuthentication", "default"]["spec"] == {"mtls": {"mode": "STRICT"}}
    (rule,) = objects["local", "AuthorizationPolicy", "payments-allow-payments-callers"]["spec"]["rules"]
    assert rule["from"] == [{"source": {"principals": ["cluster.local/ns/shop/sa/orders"]}}]
    assert rule["to"] == [{"operation": {"methods": ["POST"], "paths": ["/charges"]}}]


def ingress(objects: Objects) -> None:
    assert {key for key in objects if key[1] in ("Gateway", "ReferenceGrant")} == {
        ("eu", "Gateway", "shop-http"), ("eu", "Gateway", "shop-https"),
        ("us", "Gateway", "shop"), ("us", "ReferenceGrant", "edge.shop"),
    }  # fmt: skip
    routes = objects["eu", "VirtualService", "shop.https.shop.example.org"]["spec"]["http"]
    assert [route.get("timeout") for route in routes] == ["5s", "1s", None]
    rules = objects["us", "HTTPRoute", "shop.https.shop.example.org"]["spec"]["rules"]
    assert [rule.get("timeouts", {}).get("request") for rule in rules] == ["5s", "1s", None]


def many_clusters(objects: Objects) -> None:
    def timeout(cluster: str) -> str:
        return str(objects[cluster, "VirtualService", "payments"]["spec"]["http"][0]["timeout"])

    assert len({cluster for cluster, _kind, _name in objects}) == 12
    expected = {"eu-1": "5s", "us-4": "15s", "ap-1": "8s", "ap-2": "9s", "ap-3": "12s"}
    assert {cluster: timeout(cluster) for cluster in expected} == expected
    canaries = [
        key[0] for key, body in objects.items() if key[1:] == ("VirtualService", "search") and "v2" in str(body)
    ]
    assert canaries == ["eu-1"]
    modes = {key[0]: body["spec"]["mtls"]["mode"] for key, body in objects.items() if key[1] == "PeerAuthentication"}
    assert {cluster for cluster, mode in modes.items() if mode == "PERMISSIVE"} == {"eu-4", "us-4", "ap-4"}
    assert len(modes) == 12


def rendered_manifests(objects: Objects) -> None:
    assert {key[0] for key in objects} == {"eu-1", "us-1"}
    assert objects["eu-1", "VirtualService", "orders"]["spec"] == objects["us-1", "VirtualService", "orders"]["spec"]
    assert objects["eu-1", "VirtualService", "orders"]["spec"]["http"][0]["timeout"] == "3s"


def three_clusters(objects: Objects) -> None:
    def routes(cluster: str) -> Any:
        return objects[cluster, "VirtualService", "reviews"]["spec"]["http"]

    assert {key[0] for key in objects} == {"eu-1", "us-1", "staging-1"}
    assert weights(routes("eu-1")) == weights(routes("us-1")) == [{"v1": 90, "v2": 10}]
    assert {key[0] for key in objects if key[1] == "AuthorizationPolicy"} >= {"eu-1", "us-1"}


EXPECTED: Mapping[str, Callable[[Objects], None]] = {
    "ingress": ingress,
    "quickstart": quickstart,
    "canary": canary,
    "default-deny": default_deny,
    "many-clusters": many_clusters,
    "rendered-manifests": rendered_manifests,
    "three-clusters": three_clusters,
}


def test_every_example_is_tested() -> None:
    assert sorted(EXPECTED) == OFFLINE


@pytest.mark.parametrize("name", OFFLINE)
def test_an_example_works(example: Callable[[str], Console], name: str) -> None:
    console = example(name)
    code, out = console.run("reconciler validate -o json")
    assert (code, json.loads(out)["findings"]) == (0, [])
    assert console.run("reconciler plan")[0] == 2
    assert written(console) == {}
    assert console.run("reconciler apply")[0] == 0
    EXPECTED[name](written(console))
    before = written(console)
    code, out = console.run("reconciler apply -o json")
    assert code == 0
    answer = json.loads(out)
    assert answer["findings"] == answer["results"] == []
    assert {row["changed"] + row["pruned"] + row["failed"] for row in answer["recap"]} == {0}
    assert written(console) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_what_its_commands_print(
    example: Callable[[str], Console], name: str, request: pytest.FixtureRequest
) -> None:
    console, page = example(name), EXAMPLES / name / "README.md"
    text = page.read_text()
    printed = [(step, console.printed(step.command)) for block in BLOCK.findall(text) for step in steps(block)]
    assert printed, "the page shows no command"
    if request.config.getoption("--update-golden"):
        page.write_text(page_with(text, [out for _step, out in printed]))
        return
    assert [f"$ {step.command}\n{out}" for step, out in printed if not fits(step.shown, out)] == []


def test_an_output_that_is_not_true_is_found() -> None:
    assert fits("a 1234abcd\n…\nz", "a 99ffee00\nb\nc\nz")
    assert fits("a\n…", "a\nb\nc")
    assert not fits("a\nz", "a\nb\nz")
    assert not fits("ok=1", "ok=2")
    assert not fits("", "something")
    page = "```console\n$ x\nold\n```\n"
    assert page_with(page, ["new"]) == "```console\n$ x\nnew\n```\n"


def test_each_stage_of_the_canary(example: Callable[[str], Console]) -> None:
    console = example("canary")
    seen = []
    for stage in ("", "2-tenth.yaml", "3-all.yaml"):
        if stage:
            console.run(f"cp stages/{stage} policies/checkout.yaml && git commit -qam {stage}")
        assert console.run("reconciler apply")[0] == 0
        seen.append(weights(written(console)["local", "VirtualService", "checkout"]["spec"]["http"]))
    assert seen[1] == [{"beta": 100}, {"stable": 90, "beta": 10}]
    assert seen[2][-1]["beta"] == 100
    assert len(seen[2]) == 1
    assert console.run("git status --porcelain") == (0, "")
