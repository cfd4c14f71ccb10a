"""Control planes are recognised from the objects of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adapters.istio import ADAPTER
from reconciler.model.facts import GatewayFacts, MeshFacts


def istiod(
    image: str = "docker.io/istio/pilot:1.27.1", namespace: str = "istio-system", **labels: str
) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "istiod", "namespace": namespace, "labels": {"app": "istiod", **labels}},
        "spec": {"template": {"spec": {"containers": [{"name": "discovery", "image": image}]}}},
    }


def config(text: str, name: str = "istio", namespace: str = "istio-system") -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"mesh": text}}


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {key.replace("_", "-"): value for key, value in labels.items()}},
    }


def labelled(name: str, key: str, value: str) -> dict[str, Any]:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": {key: value}}}


def deployment(name: str, template: dict[str, Any], selector: dict[str, str] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"template": template}
    if selector:
        spec["selector"] = {"matchLabels": selector}
    return {"kind": "Deployment", "metadata": {"name": name, "namespace": "edge"}, "spec": spec}


def mode(value: str, namespace: str = "istio-system", created: str = "2026-01-01T00:00:00Z", **spec: Any) -> Any:
    return {
        "kind": "PeerAuthentication",
        "metadata": {"name": f"m-{value}-{created}", "namespace": namespace, "creationTimestamp": created},
        "spec": {"mtls": {"mode": value}, **spec},
    }


def only(*objects: dict[str, Any]) -> MeshFacts:
    (found,) = ADAPTER.detect(objects)
    return found


def test_a_plain_installation() -> None:
    found = only(istiod(), config("trustDomain: prod.example\n"), namespace("shop", istio_injection="enabled"))
    assert found == MeshFacts(
        "istio",
        "istio-system",
        "1.27.1",
        trust_domain="prod.example",
        mtls="Permissive",
        enrolled_namespaces=("shop",),
        tags=("default",),
    )


def test_nothing_is_found_where_there_is_no_control_plane() -> None:
    assert ADAPTER.detect([namespace("shop", istio_injection="enabled"), deployment("web", {})]) == ()


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("docker.io/istio/pilot:1.27.1-distroless", "1.27.1"),
        ("mirror.example:5000/istio/pilot:1.26.0", "1.26.0"),
        ("mirror.example:5000/istio/pilot", ""),
        ("istio/pilot:1.25.3@sha256:00", "1.25.3"),
        ("istio/pilot@sha256:00", ""),
        ("istio/pilot:latest", ""),
    ],
)
def test_the_version_is_in_the_tag(image: str, version: str) -> None:
    assert only(istiod(image)).version == version


def test_a_label_tells_the_version_where_the_tag_does_not() -> None:
    assert only(istiod("istio/pilot@sha256:00", **{"app.kubernetes.io/version": "1.24.2"})).version == "1.24.2"


def test_revisions_are_told_apart() -> None:
    first, second = ADAPTER.detect(
        [
            istiod("istio/pilot:1.27.1", **{"istio.io/rev": "1-27"}),
            istiod("istio/pilot:1.26.4", **{"istio.io/rev": "default"}),
            config("trustDomain: old.example"),
            config("trustDomain: new.example", "istio-1-27"),
            namespace("old", istio_injection="enabled"),
            labelled("new", "istio.io/rev", "1-27"),
            labelled("tagged", "istio.io/rev", "prod-stable"),
            labelled("ambient", "istio.io/dataplane-mode", "ambient"),
            namespace("off", istio_injection="disabled"),
        ]
    )
    assert (first.revision, first.version, first.trust_domain) == ("", "1.26.4", "old.example")
    assert first.enrolled_namespaces == ("ambient", "old", "tagged")
    assert (second.revision, second.version, second.trust_domain) == ("1-27", "1.27.1", "new.example")
    assert second.enrolled_namespaces == ("ambient", "new", "tagged")


def test_the_default_label_counts_for_the_only_control_plane_even_if_it_has_a_revision() -> None:
    found = only(istiod(**{"istio.io/rev": "1-27"}), namespace("shop", istio_injection="enabled"))
    assert found.enrolled_namespaces == ("shop",)


def test_the_root_namespace_may_be_another() -> None:
    found = only(istiod(), config("rootNamespace: mesh-root"), mode("STRICT", "mesh-root"), mode("DISABLE"))
    assert (found.namespace, found.root_namespace, found.mtls) == ("istio-system", "mesh-root", "Strict")


def test_the_oldest_mode_without_a_selector_counts() -> None:
    found = only(
        istiod(),
        mode("DISABLE", created="2026-03-01T00:00:00Z"),
        mode("STRICT", created="2026-02-01T00:00:00Z"),
        mode("PERMISSIVE", created="2026-01-01T00:00:00Z", selector={"matchLabels": {"app": "x"}}),
        mode("DISABLE", namespace="shop", created="2025-01-01T00:00:00Z"),
    )
    assert found.mtls == "Strict"


def test_an_unset_mode_is_the_default_one() -> None:
    assert only(istiod(), mode("UNSET")).mtls == "Permissive"


def test_a_broken_configuration_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(ValueError, match="ConfigMap istio-system/istio"):
        ADAPTER.detect([istiod(), config("trustDomain: [")])


def pod(labels: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"metadata": {"labels": labels, **more}, "spec": {"containers": [{"image": "auto"}]}}


@pytest.mark.parametrize(
    ("name", "template", "role"),
    [
        ("in", pod({"istio": "ingressgateway"}), "Ingress"),
        ("out", pod({"istio": "egressgateway"}), "Egress"),
        ("ew", pod({"istio": "eastwestgateway"}), "EastWest"),
        ("istio-east-west-gateway", pod({"gateway.networking.k8s.io/gateway-name": "x"}), "EastWest"),
        ("public", pod({"gateway.networking.k8s.io/gateway-name": "public"}), "Ingress"),
        ("templated", pod({"a": "b"}, annotations={"inject.istio.io/templates": "grpc,gateway"}), "Ingress"),
        (
            "old",
            {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"args": ["proxy", "router", "--x"]}]}},
            "Ingress",
        ),
    ],
)
def test_gateways_are_found(name: str, template: dict[str, Any], role: str) -> None:
    found = only(istiod(), deployment(name, template)).gateways
    assert [(gateway.name, gateway.namespace, gateway.role) for gateway in found] == [(name, "edge", role)]


@pytest.mark.parametrize(
    "template",
    [
        pod({"app": "web"}),
        pod({"gateway.networking.k8s.io/gateway-name": "w", "gateway.istio.io/managed": "istio.io-mesh-controller"}),
        {"metadata": {}, "spec": {"containers": [{"args": ["proxy", "sidecar"]}]}},
    ],
)
def test_other_workloads_are_no_gateways(template: dict[str, Any]) -> None:
    assert only(istiod(), deployment("x", template)).gateways == ()


def test_a_gateway_is_known_by_the_labels_that_stay() -> None:
    labels = {"istio": "ingressgateway", "app": "in", "helm.sh/chart": "gateway-1.27.1"}
    found = only(istiod(), deployment("in", pod(labels), {"istio": "ingressgateway", "app": "in"}))
    assert found.gateways == (GatewayFacts("in", "edge", "Ingress", {"istio": "ingressgateway", "app": "in"}),)


def test_a_gateway_of_another_revision_is_not_ours() -> None:
    old, new = ADAPTER.detect(
        [
            istiod(),
            istiod(**{"istio.io/rev": "new"}),
            deployment("in", pod({"istio": "ingressgateway", "istio.io/rev": "new"})),
            deployment("any", pod({"istio": "ingressgateway"})),
        ]
    )
    assert [gateway.name for gateway in old.gateways] == ["any"]
    assert [gateway.name for gateway in new.gateways] == ["in"]


def test_a_name_that_is_no_revision_means_nobody_once_the_tags_are_known() -> None:
    hook = {
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "istio-sidecar-injector", "labels": {"istio.io/rev": "default"}},
    }
    space = labelled("tagged", "istio.io/rev", "prod-stable")
    assert only(istiod(), space).enrolled_namespaces == ("tagged",)
    assert only(istiod(), space, hook).enrolled_namespaces == ()


def test_detection_reads_only_what_it_declares() -> None:
    assert {kind.kind.kind for kind in ADAPTER.detect_kinds} == {
        "Deployment", "StatefulSet", "DaemonSet", "Service", "ConfigMap", "Namespace", "PeerAuthentication",
        "MutatingWebhookConfiguration", "Gateway", "GatewayClass",
    }  # fmt: skip
