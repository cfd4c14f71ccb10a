"""Versions of meshes and of definitions over several runs: asserted, chosen by, and followed without a commit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.plans import Cause
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import World
from tests.pipeline.fleet import FACTS, Fleet, codes, service

MESH = """
    apiVersion: reconciler.dev/v1alpha1
    kind: Mesh
    metadata: {{name: mesh}}
    spec: {{type: istio, clusterSelector: {{}}, {more}}}
"""
CHOSEN = "{to: [{services: [{name: cart, namespace: shop}], meshes: {versions: '>=1.27'}}], rule: {timeout: 9s}}"


def control_plane(tag: str, revision: str = "default") -> dict[str, Any]:
    suffix = "" if revision == "default" else f"-{revision}"
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": f"istiod{suffix}",
            "namespace": "istio-system",
            "labels": {"app": "istiod", "istio.io/rev": revision},
        },
        "spec": {"template": {"spec": {"containers": [{"name": "discovery", "image": f"istio/pilot:{tag}"}]}}},
    }


def tag(name: str, revision: str) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": f"istio-revision-tag-{name}", "labels": {"istio.io/tag": name, "istio.io/rev": revision}},
    }


def config(text: str, name: str = "istio") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "istio-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mesh": text}}


def routes(*fields: str) -> dict[str, Any]:
    """A definition of VirtualService whose routes have these fields only."""
    items = {"type": "object", "properties": {name: {"x-kubernetes-preserve-unknown-fields": True} for name in fields}}
    http = {"type": "array", "items": items}
    known = {"type": "object", "properties": {"hosts": {"type": "array"}, "http": http}}
    schema = {"type": "object", "properties": {"spec": known}}
    return definition("VirtualService", "virtualservices", schema)


def definition(kind: str, plural: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.networking.istio.io"},
        "spec": {
            "group": "networking.istio.io",
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


OPEN = definition(
    "DestinationRule", "destinationrules", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
)


def asks(fleet: Fleet, more: str) -> None:
    fleet.change("desired-state/mesh.yaml", MESH.format(more=more))


def causes(run: Run) -> dict[str, tuple[Cause, ...]]:
    assert run.planned.plan is not None
    return {change.key.name: change.causes for change in run.planned.plan.changes if change.pending}


@pytest.mark.parametrize(
    ("running", "code"),
    [("1.26.4", ""), ("1.28.0", "version-drift"), ("1.19.9", "version-drift"), ("latest", "version-unknown")],
)
def test_a_version_outside_the_range_is_told(fleet: Fleet, running: str, code: str) -> None:
    asks(fleet, "version: '>=1.20 <1.28'")
    fleet.facts("eu", (*FACTS, control_plane(running)))
    found = [one for one in fleet.plan().planned.findings if one.code in ("version-drift", "version-unknown")]
    assert [one.code for one in found] == ([code] if code else [])
    if code == "version-drift":
        assert f"runs version {running} in cluster eu, and is to be >=1.20 <1.28" in found[0].message
        assert (found[0].position.path, found[0].position.line) == ("desired-state/mesh.yaml", 2)


def test_a_mesh_is_found_by_a_tag_of_its_revision(fleet: Fleet) -> None:
    planes = (control_plane("1.26.4", "1-26-4"), control_plane("1.27.1", "1-27-1"))
    fleet.facts("eu", (*FACTS, *planes, tag("prod-stable", "1-26-4")))
    asks(fleet, "match: {revision: prod-stable}, version: 1.26.x")
    assert not codes(fleet.plan()) & {"mesh-not-found", "version-drift"}
    fleet.facts("eu", (*FACTS, *planes, tag("prod-stable", "1-27-1")))
    assert "version-drift" in codes(fleet.plan())
    asks(fleet, "match: {revision: prod-canary}")
    assert "mesh-not-found" in codes(fleet.plan())


def test_trust_domain_aliases_are_asserted(fleet: Fleet) -> None:
    fleet.facts("eu", (*FACTS, control_plane("1.27.1"), config("trustDomainAliases: [old.example, stray.example]")))
    asks(fleet, "config: {trustDomainAliases: [old.example, lost.example]}")
    (found,) = [one for one in fleet.plan().planned.findings if one.code == "trust-domain-aliases-differ"]
    assert "does not have lost.example and also has stray.example" in found.message
    asks(fleet, "config: {trustDomainAliases: [stray.example, old.example]}")
    assert "trust-domain-aliases-differ" not in codes(fleet.plan())


def test_a_policy_for_some_versions_comes_and_goes_with_what_runs_there(fleet: Fleet) -> None:
    fleet.policy("chosen", CHOSEN)
    fleet.remove("policies/cart.yaml")
    fleet.commit("a policy for new versions")
    fleet.facts("eu", (*FACTS, control_plane("1.26.4")))
    first = fleet.apply()
    assert "policy-matches-nothing" in codes(first)
    assert "VirtualService cart" not in fleet.live()

    fleet.facts("eu", (*FACTS, control_plane("1.27.1")))
    second = fleet.plan()
    assert "policy-matches-nothing" not in codes(second)
    assert causes(second) == {"cart": (Cause.FACTS,)}
    fleet.apply()
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "9s"

    fleet.facts("eu", (*FACTS, control_plane("unknown")))
    assert causes(fleet.plan()) == {"cart": (Cause.FACTS,)}


def test_a_mesh_configuration_that_is_no_yaml_leaves_only_its_cluster_out(fleet: Fleet) -> None:
    fleet.cluster("us", {"directory": {"path": "live/us", "facts": "facts/us"}})
    fleet.facts("us", FACTS)
    fleet.commit("a second cluster")
    fleet.facts("eu", (*FACTS, control_plane("1.27.1"), config("trustDomain: [")))
    run = fleet.apply()
    assert run.code == 4
    assert fleet.live("us")
    assert not fleet.live("eu")
    assert run.planned.plan is not None
    (error,) = [target.error for target in run.planned.plan.targets if target.error]
    assert "ConfigMap istio-system/istio: key mesh is not YAML" in error


def test_a_field_that_a_definition_gains_is_used_without_a_commit(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    need = "VirtualService.networking.istio.io spec.http.timeout"
    world = fleet.world

    def gated() -> World:
        made = world()
        mesh = made.adapters["istio"]
        claims = mesh.capabilities("")
        claim = replace(claims["traffic.timeout.request"], needs=(need,))
        return replace(
            made, adapters={"istio": replace(mesh, capabilities=lambda _profile: {**claims, claim.path: claim})}
        )

    monkeypatch.setattr(fleet, "world", gated)
    fleet.facts("eu", (*FACTS, control_plane("1.27.1"), OPEN, routes("name", "route", "retries")))
    first = fleet.apply()
    (verdict,) = [one for one in first.planned.compiled.verdicts if one.policy.endswith("/cart")]
    assert (verdict.capability, verdict.action) == ("traffic.timeout.request", "Refused")
    assert "VirtualService cart" not in fleet.live()

    fleet.facts("eu", (*FACTS, control_plane("1.27.1"), OPEN, routes("name", "route", "retries", "timeout")))
    second = fleet.apply()
    assert second.planned.prepared.commit == first.planned.prepared.commit
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "1s"
    assert all(set(one) == {Cause.FACTS} for one in causes(second).values())
    assert not [one for one in second.planned.compiled.verdicts if one.action == "Refused"]

    (event,) = fleet.events(type="verdict.changed")
    assert (str(event.target), event.details["version"]) == ("eu/mesh", "1.27.1")
    told = {one["of"]: (one["was"].partition(":")[0], one["is"]) for one in event.details["changed"]}
    assert told["TrafficPolicy/default/cart traffic.timeout.request"] == ("Refused", "Applied")
    assert told["TrafficPolicy/default/reviews traffic.route.weight"] == ("Refused", "Applied")
    fleet.apply()
    assert len(fleet.events(type="verdict.changed")) == 1
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("another commit may be answered in another way")
    fleet.facts("eu", (*FACTS, control_plane("1.27.1"), OPEN, routes("name", "route", "retries")))
    fleet.apply()
    assert len(fleet.events(type="verdict.changed")) == 1


def test_an_extension_for_other_versions_stays_as_it_is_after_an_upgrade(fleet: Fleet) -> None:
    fleet.facts("eu", (*FACTS, control_plane("1.27.1")))
    body = "{apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: {name: log, namespace: shop}, spec: %s}"
    spec = "{accessLogging: [{disabled: true}]}"
    fleet.policy("log", f"{{meshVersions: 1.27.x, objects: [{body % spec}]}}", kind="Extension")
    fleet.commit("made for 1.27")
    fleet.apply()
    made = fleet.live()["Telemetry log"]
    fleet.facts("eu", (*FACTS, control_plane("1.28.0")))
    run = fleet.apply()
    assert "version-outside" in codes(run)
    assert fleet.live()["Telemetry log"] == made
    (verdict,) = [one for one in run.planned.compiled.verdicts if one.policy == "Extension/default/log"]
    assert (verdict.capability, verdict.action) == ("extension.meshVersions", "Refused")
    fleet.facts("eu", (*FACTS, control_plane("1.27.4")))
    assert "version-outside" not in codes(fleet.apply())


@pytest.mark.parametrize("asked", [{"enabled": False}, {"meshTypes": ["gateway-api"]}])
def test_a_mesh_is_not_looked_for_where_discovery_leaves_it_out(fleet: Fleet, asked: dict[str, Any]) -> None:
    fleet.facts("eu", (*FACTS, control_plane("1.27.1")))
    found = fleet.plan().planned.facts.clusters["eu"]
    assert [mesh.version for mesh in found.meshes] == ["1.27.1"]
    connection = {"directory": {"path": "live/eu", "facts": "facts/eu"}}
    fleet.cluster("eu", connection, discovery=asked)
    fleet.commit("do not look")
    run = fleet.plan()
    assert run.planned.facts.clusters["eu"].meshes == ()
    assert run.planned.facts.clusters["eu"].services == found.services
    (told,) = [one for one in run.planned.findings if one.code == "mesh-not-found"]
    assert told.message.startswith("no control plane of mesh is looked for (discovery) in cluster eu")


def test_what_discovery_leaves_out_is_a_change_of_its_commit(fleet: Fleet) -> None:
    fleet.policy("all", "{to: ['*'], rule: {outlier: {consecutiveErrors: 5}}}")
    other = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "lab", "labels": {"istio-injection": "enabled"}},
    }
    fleet.facts("eu", (*FACTS, other, service("probe", "lab"), control_plane("1.27.1")))
    fleet.commit("everywhere")
    fleet.apply()
    assert "DestinationRule probe" in fleet.live()
    connection = {"directory": {"path": "live/eu", "facts": "facts/eu"}}
    fleet.cluster("eu", connection, discovery={"namespaces": {"exclude": ["lab"]}})
    fleet.commit("not in the lab")
    run = fleet.plan()
    gone = [change for change in run.planned.plan.changes if change.pending]
    assert [(str(one.action), one.key.name, one.causes) for one in gone] == [("prune", "probe", (Cause.COMMIT,))]
    fleet.apply()
    assert "DestinationRule probe" not in fleet.live()


def proxied(name: str, tag: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"security.istio.io/tlsMode": "istio"}},
        "spec": {"containers": [{"name": "istio-proxy", "image": f"istio/proxyv2:{tag}"}]},
    }


def test_proxies_are_counted_where_that_is_asked_for(fleet: Fleet) -> None:
    pods = [proxied("a", "1.27.1"), proxied("b", "1.26.4"), proxied("c", "1.26.4"), proxied("d", "1.28.0")]
    fleet.facts("eu", (*FACTS, control_plane("1.27.1"), *pods))
    assert fleet.plan().planned.facts.clusters["eu"].meshes[0].proxies == {}
    connection = {"directory": {"path": "live/eu", "facts": "facts/eu"}}
    fleet.cluster("eu", connection, discovery={"proxies": True})
    fleet.commit("count them")
    run = fleet.plan()
    assert run.planned.facts.clusters["eu"].meshes[0].proxies == {"1.26.4": 2, "1.27.1": 1, "1.28.0": 1}
    (found,) = [one for one in run.planned.findings if one.code == "proxies-outdated"]
    assert found.message == "2 of 4 proxies of mesh in cluster eu are older than 1.27.1: 2 of 1.26.4"
