"""Imports of what lives: the documents are adopted without a change, and leave what the repository says alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from reconciler.io.clusters import open_cluster
from reconciler.model.imports import Back, Fate, Import
from reconciler.model.plans import Action
from reconciler.pipeline.importing.proof import Unusable
from reconciler.pipeline.importing.reading import Asked, import_cluster, import_files
from reconciler.pipeline.meshes import installed
from tests.pipeline.fleet import Fleet, rows

ADOPT = "{mode: Apply, unowned: Adopt}"


def body(kind: str, name: str, spec: Mapping[str, Any], group: str = "networking") -> dict[str, Any]:
    head = {"apiVersion": f"{group}.istio.io/v1", "kind": kind}
    return {**head, "metadata": {"name": name, "namespace": "shop"}, "spec": dict(spec)}


def to(host: str, **more: Any) -> dict[str, Any]:
    return {"destination": {"host": host, **more}}


REVIEWS = "reviews.shop.svc.cluster.local"
EXACT = [
    body("VirtualService", "reviews-route", {"hosts": [REVIEWS], "http": [
        {"name": "default", "route": [to(REVIEWS)], "timeout": "3s"}]}),
    body("DestinationRule", "cart", {"host": "cart.shop.svc.cluster.local", "trafficPolicy": {
        "outlierDetection": {"consecutive5xxErrors": 5, "interval": "10s"}}}),
    body("AuthorizationPolicy", "reviews-viewer", {"selector": {"matchLabels": {"app": "reviews"}}, "action": "ALLOW",
         "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/web"]}}]}]}, "security"),
    body("PeerAuthentication", "strict", {"selector": {"matchLabels": {"app": "cart"}}, "mtls": {"mode": "STRICT"}},
         "security"),
    body("Gateway", "public", {"selector": {"istio": "ingressgateway"}, "servers": [
        {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]}),
]  # fmt: skip
RESPELLED = body("VirtualService", "checkout", {"hosts": ["checkout"], "http": [
    {"match": [{"uri": {"prefix": "/beta"}}], "route": [to("reviews")]}, {"route": [to("checkout")]}]})  # fmt: skip


@pytest.fixture
def bare(fleet: Fleet) -> Fleet:
    """A fleet without policies, that adopts what it finds."""
    for name in ("reviews", "cart"):
        fleet.remove(f"policies/{name}.yaml")
    fleet.settings(ADOPT)
    fleet.commit("no policies")
    return fleet


def live(fleet: Fleet, bodies: list[dict[str, Any]], cluster: str = "eu") -> None:
    folder = fleet.repo / "live" / cluster
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(bodies):
        (folder / f"{number}.yaml").write_text(yaml.safe_dump(one))


def import_from(fleet: Fleet, cluster: str = "eu", **asked: Any) -> Import:
    tree = fleet.world().source.tree("worktree")
    return asyncio.run(
        import_cluster(tree, cluster, lambda one: open_cluster(one, fleet.repo), Asked(installed(), fleet.at, **asked))
    )


def write(fleet: Fleet, made: Import) -> None:
    for path, text in made.files.items():
        fleet.file(path, text)
    fleet.commit("imported")


def backs(made: Import) -> dict[str, tuple[Fate, Back]]:
    return {str(one.key): (one.fate, one.back) for one in made.taken}


def changed(run: Any) -> dict[str, list[Any]]:
    """What a plan changes, by object; all of its changes must be updates."""
    pending = [change for change in run.planned.plan.changes if change.pending]
    assert {change.action for change in pending} <= {Action.UPDATE}, pending
    return {str(change.key): list(change.fields) for change in pending}


def only_marks(found: Mapping[str, list[Any]]) -> bool:
    """Whether nothing but labels and annotations comes."""
    return all(
        field.path.startswith(("metadata.labels", "metadata.annotations"))
        or (field.path == "metadata" and field.after.keys() <= {"labels", "annotations"})
        for fields in found.values()
        for field in fields
    )


def test_adopting_what_comes_back_the_same_only_marks_it(bare: Fleet) -> None:
    live(bare, EXACT)
    made = import_from(bare)
    assert {back for _, back in backs(made).values()} == {Back.SAME}
    fates = {key: fate for key, (fate, _) in backs(made).items()}
    assert fates.pop("Gateway shop/public") is Fate.OBJECT
    assert set(fates.values()) == {Fate.NEUTRAL}
    write(bare, made)
    plan = bare.plan()
    fields = changed(plan)
    assert set(fields) == set(backs(made))
    assert only_marks(fields), fields
    before = {name: one["spec"] for name, one in bare.live().items()}
    assert rows(bare.apply()) == {"eu/mesh": {"changed": 5}}
    assert {name: one["spec"] for name, one in bare.live().items()} == before
    assert rows(bare.apply()) == {"eu/mesh": {"ok": 5}}


def test_a_second_import_finds_nothing_left_to_take(bare: Fleet) -> None:
    live(bare, EXACT)
    write(bare, import_from(bare))
    bare.apply()
    again = import_from(bare)
    assert {fate for fate, _ in backs(again).values()} == {Fate.SKIPPED}
    assert again.files == {}


def test_another_spelling_is_written_once(bare: Fleet) -> None:
    live(bare, [RESPELLED])
    made = import_from(bare)
    assert backs(made) == {"VirtualService shop/checkout": (Fate.NEUTRAL, Back.RESPELLED)}
    write(bare, made)
    assert set(changed(bare.plan())) == {"VirtualService shop/checkout"}
    bare.apply()
    assert rows(bare.apply()) == {"eu/mesh": {"ok": 1}}


def test_exact_keeps_what_would_be_spelled_otherwise(bare: Fleet) -> None:
    live(bare, [*EXACT, RESPELLED])
    made = import_from(bare, exact=True)
    assert backs(made)["VirtualService shop/checkout"] == (Fate.OBJECT, Back.SAME)
    assert backs(made)["VirtualService shop/reviews-route"] == (Fate.NEUTRAL, Back.SAME)
    write(bare, made)
    assert only_marks(changed(bare.plan()))


def test_rename_leaves_names_to_the_policies(bare: Fleet) -> None:
    live(bare, EXACT)
    made = import_from(bare, rename=True)
    assert not any("native" in text for text in made.files.values())
    renamed = {str(one.key): [str(key) for key in one.becomes] for one in made.taken if one.back is Back.RENAMED}
    assert renamed == {
        "VirtualService shop/reviews-route": ["VirtualService shop/reviews"],
        "AuthorizationPolicy shop/reviews-viewer": ["AuthorizationPolicy shop/reviews-allow-shop.reviews-viewer"],
        "PeerAuthentication shop/strict": ["PeerAuthentication shop/cart-mtls"],
    }


def test_an_object_for_several_hosts_becomes_one_for_each_where_names_may_change(bare: Fleet) -> None:
    hosts = {"hosts": ["reviews", "cart"], "http": [{"route": [to("checkout")], "timeout": "3s"}]}
    live(bare, [body("VirtualService", "both", hosts)])
    assert backs(import_from(bare)) == {"VirtualService shop/both": (Fate.OBJECT, Back.SAME)}
    (one,) = import_from(bare, rename=True).taken
    assert (one.fate, one.back) == (Fate.NEUTRAL, Back.RENAMED)
    assert [str(key) for key in one.becomes] == ["VirtualService shop/cart", "VirtualService shop/reviews"]


def test_policies_of_the_repository_are_not_mixed_with_what_is_imported(bare: Fleet) -> None:
    bare.policy("timeout", "{to: [reviews.shop], rule: {retries: 3}}")
    bare.commit("there before")
    live(bare, EXACT)
    made = {str(one.key): one for one in import_from(bare).taken}
    one = made["VirtualService shop/reviews-route"]
    assert one.fate is Fate.OBJECT
    assert "retries is added" in one.reason or "has a part in" in one.reason


def test_an_object_that_the_repository_makes_already_is_not_imported(bare: Fleet) -> None:
    bare.policy("outlier", "{to: [cart.shop], rule: {outlier: {consecutiveErrors: 5, interval: 10s}}}")
    bare.commit("there before")
    live(bare, [EXACT[1]])
    (one,) = import_from(bare).taken
    assert (one.fate, one.documents) == (Fate.SKIPPED, ())
    assert one.reason == "its documents make DestinationRule shop/cart, which is written by others already"


def test_documents_are_about_their_cluster_where_there_are_several(two: Fleet) -> None:
    for name in ("reviews", "cart"):
        two.remove(f"policies/{name}.yaml")
    two.settings(ADOPT)
    two.commit("no policies")
    for cluster in ("eu", "us"):
        live(two, EXACT, cluster)
    for cluster in ("eu", "us"):
        made = import_from(two, cluster)
        assert {back for _, back in backs(made).values()} == {Back.SAME}
        assert all(path.startswith(f"policies/imported/{cluster}/shop/") for path in made.files)
        write(two, made)
    plan = two.plan()
    assert only_marks(changed(plan))
    assert {str(change.target) for change in plan.planned.plan.changes} == {"eu/mesh", "us/mesh"}


def test_namespaces_that_are_not_asked_for_are_left_alone(bare: Fleet) -> None:
    live(bare, EXACT)
    assert import_from(bare, namespaces=("web",)).taken == ()


def test_an_unknown_cluster_or_mesh_is_told(bare: Fleet) -> None:
    with pytest.raises(Unusable, match="there is no cluster us; known: eu"):
        import_from(bare, "us")
    with pytest.raises(Unusable, match="known: mesh"):
        import_from(bare, mesh="other")


GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"gatewayClassName": "example", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
}


def route(name: str, host: str, backend: str) -> dict[str, Any]:
    spec = {
        "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web", "sectionName": "http"}],
        "hostnames": [host],
        "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                   "backendRefs": [{"group": "", "kind": "Service", "name": backend, "port": 80}]}],
    }  # fmt: skip
    head = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
    return {**head, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


@pytest.mark.parametrize("count", [1, 2])
def test_a_gateway_and_its_routes_keep_their_names(bare: Fleet, count: int) -> None:
    bare.file("desired-state/mesh.yaml", """
        apiVersion: reconciler.dev/v1alpha1
        kind: Mesh
        metadata: {name: mesh}
        spec: {type: gateway-api, clusterSelector: {}}
    """)  # fmt: skip
    bare.commit("Gateway API")
    routes = [route("a", "a.example", "reviews"), route("b", "b.example", "cart")][:count]
    live(bare, [GATEWAY, *routes])
    made = import_from(bare)
    assert set(backs(made).values()) == {(Fate.NEUTRAL, Back.SAME)}
    write(bare, made)
    assert only_marks(changed(bare.plan()))
    assert rows(bare.apply()) == {"eu/mesh": {"changed": 1 + count}}
    assert rows(bare.apply()) == {"eu/mesh": {"ok": 1 + count}}


def test_routes_that_are_of_no_mesh_alone_are_read_as_those_of_the_api() -> None:
    made = import_files([GATEWAY, route("web", "shop.example.org", "web")], Asked(installed(), datetime.now(UTC)))
    told = "".join(made.files.values())
    assert "gateway-api" in told
    assert not any(name in told for name in installed() if name != "gateway-api")
