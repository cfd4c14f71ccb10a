"""Entries that are imported let in whom they let in, and send requests where they sent them: an evaluator of its own,
asked about random entries.

It knows nothing of how meanings are compared; it reads intentions and chains as Consul's documentation and sources have
them (intentions by the exactness of destination and source; the discovery chain from router to splitters).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest

from reconciler.adapters.consul.meaning import meanings
from reconciler.adapters.importing import Scene
from reconciler.compile import compile_state
from reconciler.io.facts import cluster_facts
from reconciler.load import load
from reconciler.model.facts import ClusterFacts, Facts, MeshFacts
from reconciler.model.imports import Fate, Import
from reconciler.pipeline.importing.reading import Asked, import_files
from reconciler.pipeline.importing.scaffold import scaffold
from reconciler.pipeline.meshes import installed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = ("web", "cart", "admin")
CALLERS = ("cart", "admin", "stranger")
PATHS = ("/", "/a", "/a/", "/a/b", "/ab", "/b")
REQUESTS = tuple(product(PATHS, ("GET", "POST"), (None, "1", "2")))
CONDITIONS = (
    {"pathExact": "/a"}, {"pathPrefix": "/a"}, {"pathPrefix": "/a/"}, {"pathRegex": "/[ab]"}, {"pathPrefix": "/"}, {},
)  # fmt: skip
Body = Mapping[str, Any]
Request = tuple[str, str, str | None]
Found = Mapping[tuple[str, str], Any]


def entry(kind: str, name: str, spec: Any) -> dict[str, Any]:
    head = {"apiVersion": "consul.hashicorp.com/v1alpha1", "kind": kind}
    return {**head, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def facts(default: str) -> list[dict[str, Any]]:
    """Three services, each with an account of its name, and what servers do with calls that nobody speaks of."""
    found: list[dict[str, Any]] = []
    for name in NAMES:
        meta = {"name": name, "namespace": "shop"}
        port = {"name": "http", "port": 80}
        found.append(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": meta,
                "spec": {"selector": {"app": name}, "ports": [port]},
            }
        )
        pod = {"metadata": {"labels": {"app": name}}, "spec": {"serviceAccountName": name}}
        found.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": pod}})
        found.append(entry("ServiceDefaults", name, {"protocol": "http"}))
    if default:
        told = {"datacenter": "dc1", "trustDomain": "1f.consul", "defaultPolicy": default}
        found.append(entry("Datacenter", "dc1", told))
    return found


def imported(bodies: Iterable[Body], default: str) -> Import:
    return import_files([*bodies, *facts(default)], Asked(installed(), NOW, mesh="consul"))


def compiled(made: Import, default: str) -> list[Body]:
    """What the documents of an import become, with the same facts."""
    tree, target = scaffold("consul", {"inCluster": {}})
    files = {**tree.files, **{path: text.encode() for path, text in made.files.items()}}
    desired, _ = load(type(tree)(tree.commit, files), tuple(installed()))
    assert desired is not None
    given, adapter = facts(default), installed()["consul"]
    cluster = replace(cluster_facts(target.cluster, given), meshes=adapter.detect(given))
    state = compile_state(desired, Facts({target.cluster: cluster}), installed(), NOW)
    return [native.body for native in state.objects[target]]


def takes(http: Mapping[str, Any], request: Request) -> bool:
    path, method, header = request
    return (
        http.get("pathExact", path) == path
        and path.startswith(http.get("pathPrefix", ""))
        and ("pathRegex" not in http or re.fullmatch(http["pathRegex"], path) is not None)
        and (not http.get("methods") or method in http["methods"])
        and all(_header(one, header) for one in http.get("header", ()))
    )


def _header(one: Mapping[str, Any], value: str | None) -> bool:
    found = value is not None and (one.get("present", False) or one.get("exact") == value)
    return bool(found) != bool(one.get("invert"))


def condition(random: Random) -> dict[str, Any]:
    made: dict[str, Any] = dict(random.choice(CONDITIONS))
    if random.random() < 0.3:
        made["methods"] = random.choice((["GET"], ["POST"], ["GET", "POST"]))
    if random.random() < 0.25:
        one = random.choice(({"exact": "1"}, {"present": True}, {"present": True, "invert": True}))
        made["header"] = [{"name": "x", **one}]
    return made


# who may call


def decision(bodies: Iterable[Body], service: str, caller: str, request: Request, default: str) -> str:
    """Of the intentions for a call the most exact one, first by destination; in it the first permission that fits."""
    found = {}
    for body in bodies:
        if body["kind"] == "ServiceIntentions":
            for one in body["spec"]["sources"]:
                found[body["spec"]["destination"]["name"], one["name"]] = one
    most_exact = ((service, caller), (service, "*"), ("*", caller), ("*", "*"))
    held = next((found[key] for key in most_exact if key in found), {"action": default})
    if "action" in held:
        return str(held["action"])
    fits = (one["action"] for one in held["permissions"] if takes(one["http"], request))
    return str(next(fits, default))


def intentions(random: Random) -> list[dict[str, Any]]:
    found = []
    for name in random.sample(("web", "cart"), random.choice((1, 1, 2))):
        names = random.sample((*CALLERS, "*", "*"), random.randint(1, 3))
        sources = [source(one, random) for one in dict.fromkeys(names)]
        found.append(entry("ServiceIntentions", name, {"destination": {"name": name}, "sources": sources}))
    if random.random() < 0.3:
        said = {"destination": {"name": "*"}, "sources": [{"name": "*", "action": "deny"}]}
        body = entry("ServiceIntentions", "all.services", said)
        found.append({**body, "metadata": {"name": "all.services", "namespace": "consul"}})
    return found


def source(name: str, random: Random) -> dict[str, Any]:
    if random.random() < 0.4:
        return {"name": name, "action": random.choice(("allow", "deny"))}
    permissions = [
        {"action": random.choice(("allow", "deny")), "http": condition(random) or {"pathPrefix": "/"}}
        for _ in range(random.randint(1, 3))
    ]
    if random.random() < 0.7:
        permissions.append({"action": random.choice(("allow", "deny")), "http": {"pathPrefix": "/"}})
    return {"name": name, "permissions": permissions}


def decisions(bodies: list[Body], default: str) -> list[str]:
    callers = (*CALLERS, "somebody")
    return [decision(bodies, to, who, one, default) for to in NAMES for who in callers for one in REQUESTS]


@pytest.mark.parametrize("seed", range(18))
def test_whom_imported_intentions_let_in_is_whom_they_let_in(seed: int) -> None:
    """Where it is not known what servers do by themselves, whatever they do."""
    random, neutral = Random(seed), 0
    for _ in range(8):
        default = random.choice(("allow", "deny", ""))
        given = intentions(random)
        made = imported(given, default)
        fates = {one.fate for one in made.taken if one.key.kind == "ServiceIntentions"}
        assert fates <= {Fate.NEUTRAL, Fate.OBJECT}
        neutral += Fate.NEUTRAL in fates
        back = compiled(made, default)
        for each in (default,) if default else ("allow", "deny"):
            assert decisions(back, each) == decisions(given, each), given
    assert neutral


# where requests go


def ends(bodies: Iterable[Body], service: str, request: Request) -> Any:
    """Where the requests of a caller end, each with its share, and what is done to them."""
    found = {(body["kind"], body["metadata"]["name"]): body["spec"] for body in bodies}
    routes = [*found.get(("ServiceRouter", service), {}).get("routes", ()), {}]
    route = next(one for one in routes if takes(one.get("match", {}).get("http", {}), request))
    to, http = route.get("destination", {}), route.get("match", {}).get("http", {})
    shares = dict(_shares(to.get("service", service), Fraction(1), found))
    return (sorted(shares.items()), to.get("requestTimeout"), _path(to, http, request[0]), _tries(to))


def _shares(
    name: str, part: Fraction, found: Mapping[tuple[str, str], Any], own: str = ""
) -> Iterator[tuple[str, Fraction]]:
    splits = found.get(("ServiceSplitter", name), {}).get("splits", ()) if name != own else ()
    if not splits:
        yield name, part
    totals: dict[str, Fraction] = {}
    for one in splits:
        for end, share in _shares(one.get("service", name), part * Fraction(str(one["weight"])) / 100, found, name):
            totals[end] = totals.get(end, Fraction(0)) + share
    yield from totals.items()


def _path(to: Mapping[str, Any], http: Mapping[str, Any], path: str) -> str:
    if "prefixRewrite" not in to:
        return path
    matched = path if "pathExact" in http else http.get("pathPrefix", "/")
    return str(to["prefixRewrite"]) + path[len(matched) :]


def _tries(to: Mapping[str, Any]) -> Any:
    words = {*to.get("retryOn", ()), *(["connect-failure"] if to.get("retryOnConnectFailure") else [])}
    codes = to.get("retryOnStatusCodes", ())
    return (to.get("numRetries", 1), sorted(words), sorted(codes)) if words or codes else None


def chains(random: Random) -> list[dict[str, Any]]:
    found = [entry("ServiceRouter", "web", {"routes": [route(random) for _ in range(random.choice((1, 2, 2, 3)))]})]
    for name in random.sample(NAMES, random.choice((0, 1, 1, 2))):
        others = [one for one in ("web", "admin") if one != name] if name == "cart" else ["cart"]
        shares = [{"weight": 75}, {"weight": 25, "service": random.choice(others)}]
        if not any(one["kind"] == "ServiceSplitter" and name in str(one["spec"]) for one in found):
            found.append(entry("ServiceSplitter", name, {"splits": shares}))
    return found


def route(random: Random) -> dict[str, Any]:
    http = condition(random)
    to: dict[str, Any] = {"service": random.choice(NAMES)} if random.random() < 0.7 else {}
    if random.random() < 0.2:
        to["requestTimeout"] = random.choice(("1s", "2s"))
    if random.random() < 0.2 and "pathRegex" not in http:
        to["prefixRewrite"] = random.choice(("/", "/x", "/x/"))
    if random.random() < 0.2:
        to |= {"numRetries": 2} | random.choice(({"retryOnConnectFailure": True}, {"retryOnStatusCodes": [503]}, {}))
    return ({"match": {"http": http}} if http else {}) | ({"destination": to} if to else {})


def answers(bodies: list[Body]) -> list[Any]:
    return [ends(bodies, name, request) for name in NAMES for request in REQUESTS]


@pytest.mark.parametrize("seed", range(18))
def test_imported_routes_send_requests_where_they_went(seed: int) -> None:
    random, neutral = Random(seed), 0
    for _ in range(8):
        given = chains(random)
        made = imported(given, "")
        one = next(one for one in made.taken if one.key.kind == "ServiceRouter")
        assert one.fate in (Fate.NEUTRAL, Fate.OBJECT)
        neutral += one.fate is Fate.NEUTRAL
        assert answers(compiled(made, "")) == answers(given), given
    assert neutral


@pytest.mark.parametrize("seed", range(20))
def test_chains_of_equal_meaning_answer_alike(seed: int) -> None:
    """Each chain beside one in which two routes have changed places, or one is another."""
    random, equal = Random(seed), 0
    scene = Scene(ClusterFacts("imported"), MeshFacts("consul", "consul"))
    for _ in range(40):
        first = chains(random)
        routes = list(first[0]["spec"]["routes"])
        if len(routes) > 1:
            at = random.randrange(len(routes) - 1)
            routes[at : at + 2] = reversed(routes[at : at + 2])
        if random.random() < 0.3:
            routes[random.randrange(len(routes))] = route(random)
        second = [entry("ServiceRouter", "web", {"routes": routes}), *first[1:]]
        both = [{about: one.content for about, one in meanings(bodies, scene).items()} for bodies in (first, second)]
        if both[0] == both[1]:
            equal += 1
            assert answers(first) == answers(second)
    assert equal
