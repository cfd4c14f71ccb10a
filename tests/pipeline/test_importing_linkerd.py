"""What Linkerd has already: adopted without a change, annotations of somebody else's Service included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.model.imports import Back, Fate
from tests.pipeline.fleet import FACTS, Fleet, rows
from tests.pipeline.test_importing import ADOPT, backs, changed, import_from, live, only_marks, write

MESH = """
    apiVersion: reconciler.dev/v1alpha1
    kind: Mesh
    metadata: {name: mesh}
    spec: {type: linkerd, clusterSelector: {}}
"""
POLICY = "policy.linkerd.io/v1alpha1"
BREAKER = "balancer.linkerd.io/failure-accrual"


def body(version: str, kind: str, name: str, spec: dict[str, Any], **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop"} | ({"annotations": annotations} if annotations else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def reference(kind: str, name: str) -> dict[str, str]:
    return {"group": "policy.linkerd.io", "kind": kind, "name": name}


ROUTE = body("gateway.networking.k8s.io/v1", "HTTPRoute", "reviews-route", {
    "parentRefs": [{"group": "", "kind": "Service", "name": "reviews", "port": 80}],
    "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
               "backendRefs": [{"group": "", "kind": "Service", "name": "reviews", "port": 80}]}],
}, **{"timeout.linkerd.io/request": "3s"})  # fmt: skip
SERVER = body(
    "policy.linkerd.io/v1beta3",
    "Server",
    "cart-http",
    {"podSelector": {"matchLabels": {"app": "cart"}}, "port": 8080, "proxyProtocol": "HTTP/1", "accessPolicy": "deny"},
)
CALLERS = body(POLICY, "MeshTLSAuthentication", "web", {
    "identityRefs": [{"kind": "ServiceAccount", "namespace": "shop", "name": "web"}]})  # fmt: skip
ALLOW = body(POLICY, "AuthorizationPolicy", "cart-web", {
    "targetRef": reference("Server", "cart-http"),
    "requiredAuthenticationRefs": [reference("MeshTLSAuthentication", "web")]})  # fmt: skip
SHUT = body("policy.linkerd.io/v1beta3", "Server", "shut", {"podSelector": {}, "port": 4191, "accessPolicy": "deny"})


@pytest.fixture
def bare(tmp_path: Path) -> Fleet:
    """A fleet without policies that adopts what it finds; the Service checkout breaks circuits."""
    fleet = Fleet(tmp_path)
    for name in ("reviews", "cart"):
        fleet.remove(f"policies/{name}.yaml")
    breaking = {BREAKER: "consecutive", f"{BREAKER}-consecutive-max-failures": "5", "team": "shop"}
    facts = [
        {**one, "metadata": {**one["metadata"], "annotations": breaking}}
        if one["metadata"]["name"] == "checkout"
        else one
        for one in FACTS
    ]
    fleet.facts("eu", facts)
    fleet.file("desired-state/mesh.yaml", MESH)
    fleet.settings(ADOPT)
    fleet.commit("no policies")
    live(fleet, [ROUTE, SERVER, CALLERS, ALLOW, SHUT])
    return fleet


def test_what_is_there_is_adopted_by_marks_alone(bare: Fleet) -> None:
    made = import_from(bare)
    found = backs(made)
    assert found.pop("Server shop/shut") == (Fate.OBJECT, Back.SAME)
    assert {back for _, back in found.values()} == {Back.SAME}
    write(bare, made)
    plan = bare.plan()
    fields = changed(plan)
    assert "Service shop/checkout" in fields
    assert only_marks(fields), fields
    bare.apply()
    assert rows(bare.apply()) == {"eu/mesh": {"ok": 6}}


def test_a_policy_of_all_namespaces_is_adopted_as_the_default_of_the_mesh(bare: Fleet) -> None:
    plane = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "linkerd-destination",
            "namespace": "linkerd",
            "annotations": {"linkerd.io/created-by": "linkerd/helm enterprise-2.17.1"},
            "labels": {"linkerd.io/control-plane-component": "destination"},
        },
        "spec": {"template": {"metadata": {}}},
    }
    said = {"linkerd.io/inject": "enabled", "config.linkerd.io/default-inbound-policy": "all-authenticated"}
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": said}}
        for name in ("shop", "books")
    ]
    bare.facts("eu", [plane, *namespaces, *FACTS[1:]])
    made = import_from(bare)
    found = backs(made)
    assert {found[f"Namespace {name}"] for name in ("shop", "books")} == {(Fate.NEUTRAL, Back.SAME)}
    write(bare, made)
    fields = changed(bare.plan())
    assert {"Namespace shop", "Namespace books"} <= set(fields)
    assert only_marks(fields), fields


def test_an_annotation_that_nothing_neutral_says_stays_where_it_is(bare: Fleet) -> None:
    facts = [
        {**one, "metadata": {**one["metadata"], "annotations": {"retry.linkerd.io/http": "5xx"}}}
        if one["metadata"]["name"] == "checkout"
        else one
        for one in FACTS
    ]
    bare.facts("eu", facts)
    made = import_from(bare)
    (told,) = [one for one in made.taken if str(one.key) == "Service shop/checkout"]
    assert told.fate is Fate.SKIPPED
    assert "routes" in told.reason
    assert not any("checkout" in text for text in made.files.values())
