"""Objects of equal meaning answer every request alike: an evaluator of its own, asked about random objects.

It knows nothing of how meanings are compared; what it says of two objects is what a proxy would do with each request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from random import Random
from typing import Any

import pytest

from reconciler.adapters.importing import Scene
from reconciler.adapters.istio.meaning import meanings
from reconciler.compile import compile_state
from reconciler.io.facts import cluster_facts
from reconciler.load import load
from reconciler.model.facts import ClusterFacts, Facts, MeshFacts
from reconciler.model.imports import Fate, Import
from reconciler.pipeline.importing.reading import Asked, import_files
from reconciler.pipeline.importing.scaffold import scaffold
from reconciler.pipeline.meshes import installed
from tests.pipeline.fleet import service

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCENE = Scene(ClusterFacts("imported"), MeshFacts("istio", "istio-system", trust_domain="cluster.local"))
HOST = "reviews.shop.svc.cluster.local"
PATHS = ("/", "/a", "/a/", "/a/b", "/ab", "/A/b", "/b/a")
URIS = (
    {"exact": "/a"}, {"prefix": "/a"}, {"prefix": "/a/"}, {"prefix": "/"}, {"regex": "/a.*"}, {"regex": "/[ab]/."},
    {"exact": "/a/b"}, {"prefix": "/b"},
)  # fmt: skip
HEADERS = (None, "1", "2")
REQUESTS = tuple(product(PATHS, ("GET", "POST"), HEADERS, ("shop", "web")))
Body = dict[str, Any]


def takes(entry: Mapping[str, Any], request: tuple[str, str, str | None, str]) -> bool:
    path, method, header, namespace = request
    wanted, unwanted = entry.get("headers", {}).get("x"), entry.get("withoutHeaders", {}).get("x")
    return (
        _string(entry.get("uri"), path, bool(entry.get("ignoreUriCase")))
        and _string(entry.get("method"), method)
        and (wanted is None or (header is not None and _string(wanted, header)))
        and (unwanted is None or header is None or (bool(unwanted) and not _string(unwanted, header)))
        and entry.get("sourceNamespace", namespace) == namespace
    )


def _string(match: Mapping[str, str] | None, value: str, ignore: bool = False) -> bool:
    if not match:
        return True
    kind, text = next(iter(match.items()))
    if kind == "regex":
        return re.fullmatch(text, value) is not None
    value, text = (value.lower(), text.lower()) if ignore else (value, text)
    return value == text if kind == "exact" else value.startswith(text)


def rewritten(http: Mapping[str, Any], entry: Mapping[str, Any], path: str) -> str:
    given = http.get("rewrite", {})
    if "uriRegexRewrite" in given:
        return re.sub(given["uriRegexRewrite"]["match"], given["uriRegexRewrite"]["rewrite"], path)
    if "uri" not in given:
        return path
    prefix = entry.get("uri", {"prefix": "/"}).get("prefix")
    return given["uri"] if prefix is None else given["uri"] + path[len(prefix) :]


def answer(http: list[Body], request: tuple[str, str, str | None, str]) -> Any:
    """What happens to a request: the first route with an entry that takes it."""
    for one in http:
        for entry in one.get("match") or [{}]:
            if takes(entry, request):
                shares = {(item["destination"]["host"], item.get("weight", 1)) for item in one.get("route", [])}
                direct = one.get("directResponse", {}).get("status")
                whole = len(shares) == 1
                told = sorted((host.split(".")[0], 1 if whole else weight) for host, weight in shares)
                return (told, one.get("timeout"), one.get("retries"), rewritten(one, entry, request[0]), direct)
    return ([], None, None, request[0], 404)


def answers(http: list[Body]) -> list[Any]:
    return [answer(http, request) for request in REQUESTS]


def entry(random: Random) -> Body:
    made: Body = {}
    if random.random() < 0.7:
        made["uri"] = random.choice(URIS)
        if random.random() < 0.15 and "regex" not in made["uri"]:
            made["ignoreUriCase"] = True
    if random.random() < 0.3:
        made["method"] = random.choice(({"exact": "GET"}, {"exact": "POST"}, {"regex": "GET|POST"}))
    if random.random() < 0.3:
        made["headers"] = {"x": random.choice(({"exact": "1"}, {"exact": "2"}, {}))}
    elif random.random() < 0.2:
        made["withoutHeaders"] = {"x": random.choice(({"exact": "1"}, {}))}
    if random.random() < 0.15:
        made["sourceNamespace"] = random.choice(("shop", "web"))
    return made


def http(random: Random) -> list[Body]:
    """Up to four routes; the last one often takes everything."""
    found = []
    for _ in range(random.randint(0, 3)):
        one = {"match": [entry(random) for _ in range(random.randint(1, 2))], **action(random)}
        found.append(one)
    if not found or random.random() < 0.7:
        found.append(action(random))
    return found


def action(random: Random) -> Body:
    hosts = random.sample(["reviews", "ratings", "details"], random.choice((1, 1, 2)))
    weights = {} if len(hosts) == 1 else {"weight": 50}
    made: Body = {"route": [{"destination": {"host": host}, **weights} for host in hosts]}
    if random.random() < 0.25:
        made["timeout"] = random.choice(("1s", "2s"))
    if random.random() < 0.15:
        made["rewrite"] = {"uri": random.choice(("/x", "/"))}
    return made


def virtual_service(routes: list[Body]) -> Body:
    head = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService"}
    return {**head, "metadata": {"name": "reviews", "namespace": "shop"}, "spec": {"hosts": [HOST], "http": routes}}


def imported(bodies: list[Body]) -> Import:
    known = [service(name) for name in ("reviews", "ratings", "details")]
    return import_files([*bodies, *known], Asked(installed(), NOW, mesh="istio"))


def compiled(made: Import) -> Iterator[Mapping[str, Any]]:
    """What the documents of an import become, with the same facts."""
    tree, target = scaffold("istio", {"inCluster": {}})
    files = {**tree.files, **{path: text.encode() for path, text in made.files.items()}}
    desired, _ = load(type(tree)(tree.commit, files), tuple(installed()))
    assert desired is not None
    facts = cluster_facts(target.cluster, [service(name) for name in ("reviews", "ratings", "details")])
    for native in compile_state(desired, Facts({target.cluster: facts}), installed(), NOW).objects[target]:
        yield native.body


@pytest.mark.parametrize("seed", range(40))
def test_routes_of_equal_meaning_answer_alike(seed: int) -> None:
    """Each set of routes beside one in which neighbours have changed places, or one route is another."""
    random, equal = Random(seed), 0
    for _ in range(50):
        first = http(random)
        second = list(first)
        if len(second) > 1:
            at = random.randrange(len(second) - 1)
            second[at : at + 2] = reversed(second[at : at + 2])
        if random.random() < 0.3:
            second[random.randrange(len(second))] = http(random)[0]
        both = [meanings([virtual_service(routes)], SCENE)[f"requests to {HOST}"].content for routes in (first, second)]
        if both[0] == both[1]:
            equal += 1
            assert answers(first) == answers(second)
    assert equal


@pytest.mark.parametrize("seed", range(12))
def test_what_is_imported_answers_as_it_did(seed: int) -> None:
    random, neutral = Random(seed), 0
    for _ in range(10):
        routes = http(random)
        made = imported([virtual_service(routes)])
        one = next(one for one in made.taken if one.key.kind == "VirtualService")
        assert one.fate in (Fate.NEUTRAL, Fate.OBJECT)
        neutral += one.fate is Fate.NEUTRAL
        (body,) = [body for body in compiled(made) if body["kind"] == "VirtualService"]
        assert answers(body["spec"]["http"]) == answers(routes), routes
    assert neutral
