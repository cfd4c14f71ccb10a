"""Pull requests of every kind, each on a small fleet: what its report says lies in ``tests/pipeline/reviews``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from reconciler.model.clusters import Cluster
from reconciler.model.reviews import Review
from reconciler.pipeline.review import review
from reconciler.pipeline.world import Request
from reconciler.ports import Unreachable
from reconciler.report.review import Showing
from tests.pipeline.fleet import Fleet
from tests.pipeline.one_forge import OneForge

CART = "{to: [cart.shop], rule: {timeout: %s}}"
REVIEWS = "{to: [reviews.shop], rule: {route: {v1: %d, v2: %d}, timeout: 3s}}"


@dataclass(frozen=True)
class Scenario:
    """``before`` is done on the target branch, then what it asks is applied; ``after`` on the branch of the change."""

    before: Callable[[Fleet], None]
    after: Callable[[Fleet], None]
    between: Callable[[Fleet], None] = lambda _fleet: None
    live: bool = True
    lost: str = ""  # a cluster that does not answer
    limit: int = 65_536
    folds: bool = True
    artifact: str = ""

    def run(self, fleet: Fleet) -> Review:
        self.before(fleet)
        fleet.commit("before")
        fleet.apply()
        self.between(fleet)
        fleet.git("checkout", "-q", "-b", "change")
        self.after(fleet)
        fleet.commit("change")
        world = fleet.world()
        if self.lost:
            world = replace(world, open_cluster=self._losing(world.open_cluster))
        return asyncio.run(review(world, Request(), "main", "change", self.live))

    def _losing(self, opened: Callable[[Cluster], Any]) -> Callable[[Cluster], Any]:
        def opener(cluster: Cluster) -> Any:
            if cluster.name == self.lost:
                raise Unreachable("no answer from https://us.test within 10 s")
            return opened(cluster)

        return opener

    @property
    def shown(self) -> Showing:
        return Showing(OneForge().line_url, self.limit, self.folds, artifact=self.artifact)


def nothing(_fleet: Fleet) -> None:
    """Nothing is done."""


def many(fleet: Fleet) -> None:
    fleet.policy("reviews", REVIEWS % (50, 50))
    fleet.policy("checkout", "{to: [checkout.shop], rule: {timeout: 8s, retries: 2}}")
    fleet.remove("policies/cart.yaml")


def drift(fleet: Fleet) -> None:
    """Somebody edits an object, another one is deleted, and the target branch goes on."""
    by_hand(fleet, "VirtualService", "reviews", lambda body: body["spec"]["http"][0].update(timeout="30s"))
    fleet.policy("checkout", "{to: [checkout.shop], rule: {timeout: 7s}}")
    fleet.commit("main goes on")


def by_hand(fleet: Fleet, kind: str, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """An edit of a live object as an API server records it."""
    path = fleet.live_path(kind, name)
    body = yaml.safe_load(path.read_text())
    entry = {"operation": "Update", "fieldsType": "FieldsV1", "time": "2026-11-21T09:30:00Z"}
    mine = {**entry, "operation": "Apply", "manager": "mesh-reconciler", "fieldsV1": {"f:metadata": {"f:labels": {}}}}
    theirs = {**entry, "manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:http": {}}}}
    body["metadata"]["managedFields"] = [mine, theirs]
    change(body)
    path.write_text(yaml.safe_dump(body))


def checkout(fleet: Fleet) -> None:
    fleet.policy("checkout", "{to: [checkout.shop], rule: {timeout: 9s}}")


def deny_all(fleet: Fleet) -> None:
    fleet.file(
        "desired-state/virtual-mesh.yaml",
        """
        apiVersion: reconciler.dev/v1alpha1
        kind: VirtualMesh
        metadata: {name: all}
        spec: {meshes: {names: [mesh]}, defaults: {access: Deny}}
        """,
    )


def conflicting(fleet: Fleet) -> None:
    fleet.policy("other", CART % "5s")


def unable(fleet: Fleet) -> None:
    fleet.policy("no", "{from: ['*'], to: [cart.shop], action: Deny}", "AccessPolicy")
    fleet.policy("but", "{from: [sa/front.shop], to: [cart.shop], action: Allow, priority: 5}",
                 "AccessPolicy")  # fmt: skip


def broken(fleet: Fleet) -> None:
    fleet.policy("cart", "{to: [cart.shop], rule: {timout: 1s}}")
    fleet.file("policies/worse.yaml", "a: [")


def secret_times(fleet: Fleet) -> None:
    fleet.settings('{mode: Apply, audit: {redact: ["VirtualService:spec.http[*].timeout"]}}')
    fleet.policy("checkout", "{to: [checkout.shop], rule: {timeout: 3s}}")


def show_secrets(fleet: Fleet) -> None:
    fleet.settings("{mode: Apply}")
    fleet.policy("cart", CART % "3s")
    fleet.policy("checkout", "{to: [checkout.shop], rule: {timeout: 4s}}")


def nasty(fleet: Fleet) -> None:
    """Values and messages that would be something else than text."""
    header = "</details><script>alert(1)</script> @everyone [x](https://evil.test) `` ``` | \\u202e \\x1b[31m\\nlast"
    rule = f'{{headers: {{response: {{set: {{x-note: "{header}"}}}}}}}}'
    fleet.policy("reviews", f"{{to: [reviews.shop], rule: {rule}}}")
    fleet.file("policies/@team #1 [a](b) `c`|d.yaml", "kind: '<img src=x> @everyone | [x](https://evil.test)'\n")


def clusters_change(fleet: Fleet) -> None:
    fleet.remove("desired-state/clusters/us.yaml")
    fleet.cluster("ap", {"directory": {"path": "live/ap", "facts": "facts/eu"}})


SCENARIOS: Mapping[str, Scenario] = {
    "nothing-changes": Scenario(nothing, lambda fleet: fleet.file("README.md", "words")),
    "all-at-once": Scenario(checkout, many, drift),
    "without-clusters": Scenario(checkout, many, drift, live=False),
    "guard": Scenario(
        lambda fleet: fleet.settings("{mode: Apply, limits: {maxDeletes: 1}}"),
        lambda fleet: [fleet.remove(f"policies/{name}.yaml") for name in ("cart", "reviews")] and None,
    ),
    "default-deny": Scenario(nothing, deny_all),
    "conflict": Scenario(nothing, conflicting),
    "refused": Scenario(nothing, unable),
    "broken": Scenario(nothing, broken),
    "cluster-lost": Scenario(nothing, lambda fleet: fleet.policy("cart", CART % "2s"), lost="us"),
    "clusters-come-and-go": Scenario(nothing, clusters_change),
    "report-only": Scenario(
        lambda fleet: fleet.settings("{mode: Report}"), lambda fleet: fleet.policy("cart", CART % "2s")
    ),
    "secrets": Scenario(secret_times, show_secrets),
    "nasty": Scenario(nothing, nasty),
    "nothing-folds": Scenario(checkout, many, drift, limit=32_768, folds=False),
    "little-room": Scenario(checkout, many, drift, limit=2_600, artifact="report.md"),
}
