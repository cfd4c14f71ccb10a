"""Raw objects: one target of each cluster, what is known about their kinds, and what cannot be written."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.compile.kinds import BUILT_IN, plural
from reconciler.model.extensions import Extension, RawObject
from reconciler.model.facts import CrdFacts
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, TargetId
from reconciler.model.selectors import MeshSet, PolicySource
from tests.compile.builders import TARGET, at, cluster_facts, codes, given, held, names, ref

THING = CrdFacts(KindId("example.org", "Thing"), "thingies", True, ("v2", "v1"))


def raw(api_version: str, kind: str, name: str = "x", namespace: str = "shop", **content: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata} | content


def extension(*bodies: dict[str, Any], scope: tuple[PolicySource, ...] = (), name: str = "e") -> Extension:
    return Extension(ref(name, "Extension"), at(), scope, tuple(RawObject(body, at()) for body in bodies))


def kind_in(body: dict[str, Any], **facts: Any) -> NativeKind:
    (one,) = given(extension(body), facts={"eu": cluster_facts(**facts)}).compiled().objects[TARGET]
    return one.kind


def test_body_and_origin() -> None:
    document = extension(raw("v1", "ConfigMap", data={"a": "b"}))
    (one,) = given(document).compiled().objects[TARGET]
    assert one.body == document.objects[0].body
    assert [(origin.ref, origin.position) for origin in one.origins] == [(document.ref, document.objects[0].position)]


def test_kind_of_the_adapter_is_its_own() -> None:
    kind = kind_in(raw("toy.example.org/v1", "Host"))
    assert (kind.exclusive, kind.wave) == (True, 30)


def test_kind_that_the_cluster_serves() -> None:
    kind = kind_in(raw("example.org/v1", "Thing"), crds={THING.kind: THING})
    assert kind == NativeKind(THING.kind, ("v2", "v1"), "thingies", True, 50, exclusive=False)


def test_kind_of_kubernetes() -> None:
    assert kind_in(raw("v1", "Namespace", namespace="")) == BUILT_IN[KindId("", "Namespace")]
    kind = kind_in(raw("apps/v1", "Deployment"), crds={})
    assert (kind.plural, kind.namespaced, kind.exclusive) == ("deployments", True, False)
    assert BUILT_IN[KindId("", "Namespace")].wave == 0
    assert BUILT_IN[KindId("apiextensions.k8s.io", "CustomResourceDefinition")].wave == 0


def test_kind_that_comes_with_its_definition() -> None:
    spec = {
        "group": "example.org",
        "scope": "Cluster",
        "names": {"kind": "Thing", "plural": "thingies"},
        "versions": [{"name": "v1", "served": True}, {"name": "v0", "served": False}],
    }
    document = extension(
        raw("apiextensions.k8s.io/v1", "CustomResourceDefinition", "thingies.example.org", "", spec=spec),
        raw("example.org/v1", "Thing", namespace=""),
    )
    one = given(document, facts={"eu": cluster_facts(crds={})}).compiled()
    thing = next(item.kind for item in one.objects[TARGET] if item.kind.kind.kind == "Thing")
    assert thing == NativeKind(THING.kind, ("v1",), "thingies", False, 50, exclusive=False)


def test_unknown_kind_is_assumed_where_the_cluster_cannot_say() -> None:
    kind = kind_in(raw("example.org/v3", "Policy"))
    assert (kind.versions, kind.plural, kind.namespaced) == (("v3",), "policies", True)


@pytest.mark.parametrize("body", [raw("example.org/v1", "Thingy"), raw("example.org/v3", "Thing")])
def test_kind_or_version_that_is_not_served(body: dict[str, Any]) -> None:
    one = given(extension(body), facts={"eu": cluster_facts(crds={THING.kind: THING})}).compiled()
    assert codes(one) == ["kind-unknown"]
    assert (names(one), held(one)) == ([], ["e"])


@pytest.mark.parametrize(
    "body",
    [raw("v1", "ConfigMap", namespace=""), raw("v1", "Namespace"), {"apiVersion": "v1", "kind": "ConfigMap"}],
)
def test_object_that_cannot_be_named(body: dict[str, Any]) -> None:
    one = given(extension(body)).compiled()
    assert codes(one) == ["object-incomplete"]
    assert (names(one), held(one)) == ([], ["e"])


def test_scope() -> None:
    one = given(extension(raw("v1", "ConfigMap"), scope=(PolicySource(clusters=("us",)),))).compiled()
    assert (names(one), codes(one)) == ([], ["policy-matches-nothing"])
    two = given(extension(raw("v1", "ConfigMap"), scope=(PolicySource(meshes=MeshSet(names=("mesh",))),))).compiled()
    assert names(two) == ["ConfigMap shop/x"]


def test_one_mesh_of_a_cluster_gets_it() -> None:
    targets = (TargetId("eu", "a"), TargetId("eu", "b"), TargetId("us", "b"))
    facts = {"eu": cluster_facts("eu"), "us": cluster_facts("us")}
    one = given(extension(raw("v1", "ConfigMap")), facts=facts, targets=targets).compiled()
    assert {target: names(one, target) for target in targets} == {
        targets[0]: ["ConfigMap shop/x"],
        targets[1]: [],
        targets[2]: ["ConfigMap shop/x"],
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Service", "services"), ("Ingress", "ingresses"), ("Policy", "policies"), ("Gateway", "gateways")],
)
def test_plural(kind: str, expected: str) -> None:
    assert plural(kind) == expected
