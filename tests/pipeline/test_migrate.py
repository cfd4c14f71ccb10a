"""A move from one mesh to another: what is told of it, and that the steps, when they are done, do what they say."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.model.migrations import Fate, Migration
from reconciler.model.plans import Change
from reconciler.pipeline.migrate import Asked, NoMigration, migrate
from reconciler.pipeline.pausing import pause, resume
from reconciler.pipeline.world import Request
from reconciler.report.migration_text import migration_json, migration_text
from reconciler.report.paint import plain
from tests.pipeline.fleet import FACTS, Fleet

ISTIOD = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}},
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "istiod", "namespace": "istio-system", "labels": {"app": "istiod"}},
        "spec": {
            "selector": {"matchLabels": {"app": "istiod"}},
            "template": {
                "metadata": {"labels": {"app": "istiod"}},
                "spec": {"containers": [{"name": "discovery", "image": "docker.io/istio/pilot:1.27.1"}]},
            },
        },
    },
]
OTHER = """
    apiVersion: reconciler.dev/v1alpha1
    kind: Mesh
    metadata: {name: other}
    spec: {type: gateway-api, clusters: [eu]}
"""
POLICIES = {
    "allow": ("AccessPolicy", "{action: Allow, from: ['*'], to: [cart.shop]}"),
    "delay": ("TrafficPolicy", "{to: [checkout.shop], rule: {fault: {delay: {duration: 1s}}}}"),
    "only": ("TrafficPolicy", "{to: [{meshes: {types: [istio]}, services: [{name: checkout, namespace: shop}]}],"
             " match: [GET /x], rule: {timeout: 5s}}"),
    "optional": ("TrafficPolicy", "{to: [cart.shop], onUnsupported: {allowDegrade: [traffic.outlier]},"
                 " rule: {outlier: {consecutiveErrors: 3}}}"),
}  # fmt: skip


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path)
    made.facts("eu", [*FACTS, *ISTIOD])
    made.settings("{mode: Apply, limits: {maxDeletePercent: 100}}")
    for name, (kind, spec) in POLICIES.items():
        made.policy(name, spec, kind)
    made.commit("policies")
    made.apply()
    yield made
    made.store.close()


def ask(fleet: Fleet, old: str, new: str, *namespaces: str) -> Migration:
    made, _ = asyncio.run(migrate(fleet.world(), Request(revision="HEAD"), Asked(old, new, namespaces)))
    assert made is not None
    return made


def by_fate(made: Migration) -> dict[str, set[str]]:
    found = defaultdict(set)
    for row in made.rows:
        found[str(row.fate)].add(f"{row.policy.rpartition('/')[2]} {row.capability}")
    return dict(found)


def test_each_policy_has_its_fate_what_is_in_the_way_first(moving: Fleet) -> None:
    made = ask(moving, "mesh", "gateway-api")
    found = by_fate(made)
    assert found["blocked"] >= {"allow access.allow", "delay traffic.fault.delay.duration"}
    assert {one.split()[0] for one in found["not selected"]} == {"only"}
    assert found["lost"] == {"optional traffic.outlier.consecutiveErrors"}
    assert "reviews traffic.route.subset" in found["emulated"]
    assert {"cart traffic.timeout.request", "reviews traffic.timeout.request"} <= found["kept"]
    assert [row.fate for row in made.rows] == sorted((row.fate for row in made.rows), key=list(Fate).index)
    assert made.blocked
    text = migration_text(made, plain)
    assert text.index("Refused there") < text.index("Lost") < text.index("Kept") < text.index("1. Side by side")
    assert migration_json(made)["blocked"] is True


def test_what_is_gained(moving: Fleet) -> None:
    moving.facts("eu", FACTS[1:])  # nobody is enrolled: both meshes are asked
    moving.change("desired-state/other.yaml", OTHER, "side by side")
    made = ask(moving, "other", "mesh")
    assert {"allow access.allow", "delay traffic.fault.delay"} <= by_fate(made)["gained"]
    assert "no namespace of eu is known" in made.problems[0]


def test_only_some_namespaces(moving: Fleet) -> None:
    assert not [row for row in ask(moving, "mesh", "gateway-api", "elsewhere").rows if row.services]
    stages = ask(moving, "mesh", "gateway-api", "shop").stages
    assert [stage.title for stage in stages] == ["Side by side", "Move shop", "Take the old one out"]


def test_objects_that_are_not_from_git_are_named(moving: Fleet) -> None:
    body = {
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "by-hand", "namespace": "shop"}, "spec": {"hosts": ["a"], "http": []},
    }  # fmt: skip
    (moving.repo / "live/eu/by-hand.yaml").write_text(yaml.safe_dump(body))
    made = ask(moving, "mesh", "gateway-api")
    assert [(one.cluster, one.key.name) for one in made.foreign] == [("eu", "by-hand")]
    assert "reconciler import" in migration_text(made, plain)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mash", "gateway-api", "did you mean mesh"),
        ("linkerd-eu", "gateway-api", "there are mesh"),
        ("mesh", "istio", "move away from"),
        ("mesh", "mesh", "move away from"),
        ("mesh", "nothing", "neither a mesh in Git nor a mesh type"),
    ],
)
def test_names_that_mean_nothing(moving: Fleet, old: str, new: str, said: str) -> None:
    with pytest.raises(NoMigration, match=said):
        ask(moving, old, new)


def test_the_steps_do_what_they_say(moving: Fleet) -> None:
    for name in ("allow", "delay", "only"):  # what is in the way
        moving.remove(f"policies/{name}.yaml")
    moving.commit("out of the way")
    moving.apply()
    made = ask(moving, "mesh", "gateway-api")
    assert not made.blocked
    beside, shift, removal = made.stages

    for path, text in beside.files.items():
        assert text is not None
        moving.file(path, text)
    moving.commit("side by side")
    assert not pending(moving)
    moving.apply()

    old = {name for name in moving.live() if name.startswith(("VirtualService", "DestinationRule"))}
    assert "reconciler pause --limit 'mesh'" in shift.words[0]
    pause(moving.world(), "mesh", "moving", timedelta(hours=2))
    moving.facts("eu", [{**FACTS[0], "metadata": {"name": "shop"}}, *FACTS[1:], *ISTIOD])
    moving.apply()
    both = set(moving.live())
    assert old <= both
    assert {"HTTPRoute reviews-80", "HTTPRoute cart-80"} <= both

    resume(moving.world(), "mesh")
    moving.apply()
    new = set(moving.live()) - old
    assert {"HTTPRoute reviews-80", "HTTPRoute cart-80"} <= new

    (path,) = removal.files
    moving.remove(path)
    moving.commit("without it")
    assert {(str(c.target), str(c.action)) for c in pending(moving)} == {("eu/mesh", "prune")}
    plan = moving.plan().planned.plan
    assert plan is not None
    confirmed = frozenset(one.guard_fingerprint for one in plan.targets) - {""}
    moving.apply(confirmed=confirmed)
    assert set(moving.live()) == new
    assert not pending(moving)


def pending(fleet: Fleet) -> list[Change]:
    plan = fleet.plan().planned.plan
    assert plan is not None
    return [change for change in plan.changes if change.pending]
