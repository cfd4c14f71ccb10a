"""Whole runs on a real kube-apiserver with the mesh's CRDs: what only such a server can show."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.plans import Reason
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.world import Request, keeping_connections
from tests.kube.control_plane import ApiServer
from tests.pipeline.fleet import Fleet, rows, service

NETWORKING = "/apis/networking.istio.io/v1"


class KubeFleet(Fleet):
    """A fleet of one or two API servers; services live in a namespace of this test alone."""

    def __init__(self, folder: Path, servers: list[ApiServer], namespace: str) -> None:
        self.servers, self.namespace = servers, namespace
        super().__init__(
            folder,
            {f"c{i}": {"kubeconfig": {"path": str(s.kubeconfig)}} for i, s in enumerate(servers)},
        )
        for server in servers:
            for name in ("reviews", "cart"):
                body = service(name, namespace)
                status, answer = server.request("POST", f"/api/v1/namespaces/{namespace}/services", body)
                assert status == 201, answer
        for policy in ("reviews", "cart"):
            path = self.repo / f"policies/{policy}.yaml"
            path.write_text(path.read_text().replace(f"{policy}.shop", f"{policy}.{namespace}"))
        self.settings(f"{{mode: Apply, owner: {namespace}, limits: {{timeout: 20s}}}}")
        self.commit("on this namespace")

    def url(self, plural: str, name: str = "", group: str = NETWORKING) -> str:
        return f"{group}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def get(self, plural: str, name: str, server: int = 0, group: str = NETWORKING) -> dict[str, Any]:
        status, body = self.servers[server].request("GET", self.url(plural, name, group))
        assert status == 200, body
        return dict(body)

    def put(self, plural: str, body: dict[str, Any], manager: str = "kubectl-edit") -> dict[str, Any]:
        path = self.url(plural, body["metadata"]["name"]) + f"?fieldManager={manager}"
        status, answer = self.servers[0].request("PUT", path, body)
        assert status == 200, answer
        return dict(answer)


@pytest.fixture
def kube_fleet(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[KubeFleet]:
    made = KubeFleet(tmp_path, [kube], fresh_namespace)
    yield made
    made.store.close()


@pytest.fixture
def two_servers(
    tmp_path: Path, kube_clusters: list[ApiServer], fresh_namespace: str, mesh_crds: str
) -> Iterator[KubeFleet]:
    made = KubeFleet(tmp_path, kube_clusters[:2], fresh_namespace)
    yield made
    made.store.close()


def through(fleet: KubeFleet, proxy: Any) -> str:
    """A kubeconfig of the first cluster by way of a proxy."""
    server = fleet.servers[0]
    path = fleet.folder / "proxied.kubeconfig"
    path.write_text(json.dumps(server.config({"token": server.token("admin")}, server=proxy.url)))
    return str(path)


EVERYTHING = """
    {to: [reviews.NS], match: [GET /a/*], rule: {
      route: {v1: 90, v2: 10}, timeout: 3s, retries: {attempts: 3, perTry: 1s, on: [5xx]},
      headers: {request: {set: {x-a: b}, remove: [x-c]}}, mirror: [{to: cart.NS, percent: 5}],
      cors: {origins: [{exact: https://a.example}], methods: [GET], maxAge: 24h, credentials: true}}}
"""
HOST_WIDE = """
    {to: [reviews.NS], rule: {
      outlier: {consecutiveErrors: 5, interval: 10s, baseEjection: 30s, maxEjectionPercent: 50},
      connections: {tcp: {max: 100, connectTimeout: 1s}, http: {maxPending: 10, maxRequests: 100}},
      loadBalancing: {policy: RingHash, hash: {header: x-user}}, mtls: Strict}}
"""
ACCESS = "{action: Allow, from: [ns/NS], to: [reviews.NS], match: ['GET /a/*'] }"


def test_second_run_finds_nothing_on_any_kind_that_is_written(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.policy("everything", EVERYTHING.replace("NS", fleet.namespace))
    fleet.policy("host", HOST_WIDE.replace("NS", fleet.namespace))
    fleet.policy("who", ACCESS.replace("NS", fleet.namespace), "AccessPolicy")
    fleet.commit("one of each")
    first = fleet.apply()
    kinds = {result.change.key.kind for result in first.results}
    assert first.code == 0, (first.planned.findings, [r.message for r in first.results])
    assert kinds == {"VirtualService", "DestinationRule", "AuthorizationPolicy", "PeerAuthentication"}
    second = fleet.apply()
    assert (second.code, rows(second)) == (0, {"c0/mesh": {"ok": len(first.results)}})
    # and with nothing remembered, by comparison alone
    fleet.store.replace_proven("c0", {})
    third = fleet.apply()
    assert rows(third) == {"c0/mesh": {"ok": len(first.results)}}
    assert not third.planned.live.clusters["c0"].predictions


def test_edit_by_hand_is_drift_with_author_and_time_and_is_healed(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.apply()
    body = fleet.get("virtualservices", "reviews")
    body["spec"]["http"][0]["timeout"] = "30s"
    fleet.put("virtualservices", body)
    run = fleet.apply()
    (change,) = [c for c in run.planned.plan.changes if c.pending]
    (field,) = change.fields
    assert (field.path, field.before, field.after, field.drift) == ("spec.http[0].timeout", "30s", "3s", True)
    assert field.author is not None
    assert (field.author.manager, field.author.time[:2]) == ("kubectl-edit", "20")
    assert fleet.get("virtualservices", "reviews")["spec"]["http"][0]["timeout"] == "3s"
    (event,) = fleet.events(run=run.id, type="object.*")
    assert event.previous_writer.startswith("kubectl-edit at 20")
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}


def test_what_somebody_added_to_our_object_is_removed(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.apply()
    body = fleet.get("virtualservices", "cart")
    body["spec"]["exportTo"] = ["."]
    body["metadata"]["labels"]["theirs"] = "stays"
    fleet.put("virtualservices", body)
    run = fleet.apply()
    assert rows(run) == {"c0/mesh": {"ok": 2, "changed": 1, "drifted": 1}}
    after = fleet.get("virtualservices", "cart")
    assert "exportTo" not in after["spec"]
    assert after["metadata"]["labels"]["theirs"] == "stays"
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}


def test_ignored_manager_is_left_alone_in_plan_and_apply(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.apply()
    fleet.settings(
        f"{{mode: Apply, owner: {fleet.namespace}, "
        "ignore: [{gvk: networking.istio.io/v1/VirtualService, managers: [flagger]}]}"
    )
    fleet.commit("flagger moves weights")
    body = fleet.get("virtualservices", "reviews")
    body["spec"]["http"][0]["route"][0]["weight"] = 70
    body["spec"]["http"][0]["route"][1]["weight"] = 30
    fleet.put("virtualservices", body, "flagger")
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}
    fleet.file("policies/reviews.yaml", (fleet.repo / "policies/reviews.yaml").read_text().replace("v1: 90", "v1: 91"))
    fleet.commit("weights in Git are not what holds")
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}
    weights = [r["weight"] for r in fleet.get("virtualservices", "reviews")["spec"]["http"][0]["route"]]
    assert weights == [70, 30]


def test_mutating_webhook_is_no_drift(kube_fleet: KubeFleet, mutating_webhook: Any) -> None:
    fleet = kube_fleet
    rule = {
        "operations": ["CREATE", "UPDATE"],
        "apiGroups": ["networking.istio.io"],
        "apiVersions": ["*"],
        "resources": ["virtualservices"],
    }

    def mutate(body: dict[str, Any]) -> None:
        body["spec"]["exportTo"] = ["*"]
        if body["spec"]["http"][0].get("timeout") == "3s":
            body["spec"]["http"][0]["timeout"] = "3.5s"

    mutating_webhook(fleet.servers[0], fleet.namespace, [rule], mutate)
    assert fleet.apply().code == 0
    live = fleet.get("virtualservices", "reviews")["spec"]
    assert (live["exportTo"], live["http"][0]["timeout"]) == (["*"], "3.5s")
    versions = fleet.get("virtualservices", "reviews")["metadata"]["resourceVersion"]
    for _ in range(2):
        assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}
    fleet.store.replace_proven("c0", {})
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}
    assert fleet.get("virtualservices", "reviews")["metadata"]["resourceVersion"] == versions


def test_objects_of_others_are_refused_and_adopted_on_request(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "cart", "namespace": fleet.namespace},
        "spec": {"hosts": [f"cart.{fleet.namespace}.svc.cluster.local"], "http": [{"timeout": "9s", "route": [
            {"destination": {"host": f"cart.{fleet.namespace}.svc.cluster.local"}}]}]},
    }  # fmt: skip
    status, answer = fleet.servers[0].request("POST", fleet.url("virtualservices") + "?fieldManager=helm", theirs)
    assert status == 201, answer
    run = fleet.apply()
    assert (run.code, rows(run)) == (3, {"c0/mesh": {"changed": 2, "blocked": 1}})
    assert {c.withheld for c in run.planned.plan.changes if c.withheld} == {Reason.UNOWNED}
    assert fleet.get("virtualservices", "cart")["spec"]["http"][0]["timeout"] == "9s"
    adopt = f"[{{gvk: networking.istio.io/v1/VirtualService, namespace: {fleet.namespace}, name: cart}}]"
    fleet.settings(f"{{mode: Apply, owner: {fleet.namespace}, adopt: {adopt}}}")
    fleet.commit("take it over")
    run = fleet.apply()
    assert rows(run) == {"c0/mesh": {"ok": 2, "changed": 1}}
    assert [event.type for event in fleet.events(run=run.id, type="object.*")] == ["object.adopted"]
    assert fleet.get("virtualservices", "cart")["spec"]["http"][0]["timeout"] == "1s"
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}


def test_foreign_route_for_the_same_host_is_not_fought(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "another-name", "namespace": fleet.namespace},
        "spec": {"hosts": ["cart"], "http": [{"route": [{"destination": {"host": "cart"}}]}]},
    }
    assert fleet.servers[0].request("POST", fleet.url("virtualservices"), theirs)[0] == 201
    run = fleet.apply()
    (blocked,) = [c for c in run.planned.plan.changes if c.withheld]
    assert (blocked.withheld, blocked.key.name) == (Reason.FOREIGN_HOST, "cart")
    assert "another-name" in blocked.why


def test_copied_labels_do_not_make_an_object_ours(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.apply()
    copy = fleet.get("virtualservices", "cart")
    copy["metadata"] = {"name": "copy", "namespace": fleet.namespace, **{
        key: copy["metadata"][key] for key in ("labels", "annotations")}}  # fmt: skip
    copy["spec"]["hosts"] = ["elsewhere.example"]
    assert fleet.servers[0].request("POST", fleet.url("virtualservices") + "?fieldManager=kubectl", copy)[0] == 201
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}
    assert fleet.get("virtualservices", "copy")


def test_extension_objects_wait_for_their_namespace_and_immutable_fields_are_not_forced(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    extra = f"{fleet.namespace}-extra"

    def objects(port: int, cluster_ip: str) -> str:
        return f"""{{objects: [
          {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c, namespace: {extra}}}, data: {{a: "1"}}}},
          {{apiVersion: v1, kind: Namespace, metadata: {{name: {extra}}}}},
          {{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: {extra}}},
            spec: {{clusterIP: {cluster_ip}, selector: {{a: b}}, ports: [{{port: {port}}}]}}}}]}}"""

    fleet.policy("raw", objects(80, "None"), "Extension")
    fleet.commit("raw objects")
    first = fleet.apply()
    assert first.code == 0, [(r.change.key, r.message) for r in first.results]
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 6}}
    fleet.policy("raw", objects(81, "10.0.9.9"), "Extension")
    fleet.commit("not possible in place")
    blocked = fleet.apply()
    assert (blocked.code, rows(blocked)) == (3, {"c0/mesh": {"ok": 5, "blocked": 1}})
    assert {c.withheld for c in blocked.planned.plan.changes if c.withheld} == {Reason.IMMUTABLE}
    old = fleet.servers[0].request("GET", f"/api/v1/namespaces/{extra}/services/s")[1]
    fleet.settings(f"{{mode: Apply, owner: {fleet.namespace}, replace: Allow}}")
    fleet.commit("replace it")
    replaced = fleet.apply()
    assert rows(replaced) == {"c0/mesh": {"ok": 5, "changed": 1}}
    new = fleet.servers[0].request("GET", f"/api/v1/namespaces/{extra}/services/s")[1]
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert new["spec"]["clusterIP"] == "10.0.9.9"
    assert [event.type for event in fleet.events(run=replaced.id, type="object.*")] == ["object.replaced"]


def test_refusals_of_the_server_are_outcomes_of_their_object(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    raw = """{objects: [
      {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: no-such-namespace}, data: {a: "1"}},
      {apiVersion: v1, kind: Service, metadata: {name: bad, namespace: NS}, spec: {ports: [{port: 99999}]}}]}"""
    fleet.policy("raw", raw.replace("NS", fleet.namespace), "Extension")
    fleet.commit("two that cannot be")
    run = fleet.apply()
    assert (run.code, rows(run)) == (5, {"c0/mesh": {"changed": 3, "failed": 2}})
    words = {r.change.key.name: r.message for r in run.results if r.message}
    assert "no-such-namespace" in words["c"]
    assert "99999" in words["bad"]
    failed = [event for event in fleet.events(run=run.id) if event.result == "failed"]
    assert {event.object.name for event in failed} == {"c", "bad"}
    assert rows(fleet.apply())["c0/mesh"] == {"ok": 3, "failed": 2}


def test_a_moved_object_is_not_overwritten(kube_fleet: KubeFleet) -> None:
    """Somebody writes between the plan and the apply: the version that was planned against is a precondition."""
    fleet = kube_fleet
    fleet.apply()
    fleet.file("policies/cart.yaml", (fleet.repo / "policies/cart.yaml").read_text().replace("1s", "2s"))
    fleet.commit("slower")
    world = fleet.world()
    opener = world.open_cluster

    def racing(cluster: Any) -> Any:
        opened = opener(cluster)
        apply = opened.apply

        async def later(body: Any, kind: Any, *, force: bool) -> Any:
            current = fleet.get("virtualservices", "cart")
            current["metadata"]["labels"]["raced"] = "yes"
            fleet.put("virtualservices", current)
            return await apply(body, kind, force=force)

        opened.apply = later
        return opened

    from dataclasses import replace

    run = asyncio.run(pipeline.apply(replace(world, open_cluster=racing), Request()))
    assert rows(run) == {"c0/mesh": {"ok": 2, "failed": 1}}
    assert fleet.get("virtualservices", "cart")["spec"]["http"][0]["timeout"] == "1s"
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 2, "changed": 1}}


def test_pruning_takes_what_git_no_longer_has(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.apply()
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 2, "pruned": 1}}
    assert fleet.servers[0].request("GET", fleet.url("virtualservices", "cart"))[0] == 404


def test_a_dead_cluster_is_its_own_trouble(two_servers: KubeFleet, fault_proxy: Any) -> None:
    fleet = two_servers
    fleet.apply()
    fleet.cluster("c0", {"kubeconfig": {"path": through(fleet, fault_proxy)}}, limits={"timeout": "2s"})
    fault_proxy.mode = "refuse"
    fleet.file("policies/cart.yaml", (fleet.repo / "policies/cart.yaml").read_text().replace("1s", "2s"))
    fleet.commit("slower")
    run = fleet.apply()
    assert (run.code, rows(run)) == (4, {"c0/mesh": {"unreachable": 1}, "c1/mesh": {"ok": 2, "changed": 1}})
    fault_proxy.mode = "pass"
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 2, "changed": 1}, "c1/mesh": {"ok": 3}}


def test_a_write_whose_answer_was_lost_is_recorded_by_the_next_run(kube_fleet: KubeFleet, fault_proxy: Any) -> None:
    fleet = kube_fleet
    fleet.apply()
    fleet.file("policies/cart.yaml", (fleet.repo / "policies/cart.yaml").read_text().replace("1s", "2s"))
    fleet.commit("slower")
    config = through(fleet, fault_proxy)
    world = fleet.world()

    def cutting(cluster: Any) -> Any:
        from dataclasses import replace

        from reconciler.io.clusters import open_cluster
        from reconciler.model.clusters import KubeconfigConnection

        opened = open_cluster(replace(cluster, connection=KubeconfigConnection(config)), fleet.repo)
        apply = opened.apply

        async def cut(body: Any, kind: Any, *, force: bool) -> Any:
            from reconciler.ports import Unreachable

            await apply(body, kind, force=force)
            raise Unreachable("the connection was cut")

        opened.apply = cut
        return opened

    from dataclasses import replace

    run = asyncio.run(pipeline.apply(replace(world, open_cluster=cutting), Request()))
    assert run.code == 4
    assert not fleet.events(run=run.id, type="object.*")
    after = fleet.apply()
    assert (after.recovered, rows(after)) == (1, {"c0/mesh": {"ok": 3}})
    (event,) = fleet.events(run=run.id, type="object.*")
    assert (event.result, event.details["recovered"], event.object.name) == ("changed", True, "cart")
    assert fleet.store.verify() > 0


def test_no_such_kubeconfig_is_said_at_that_cluster(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.cluster("c9", {"kubeconfig": {"path": "no/such/file"}})
    fleet.commit("one that is not there")
    run = fleet.apply()
    assert rows(run) == {"c0/mesh": {"changed": 3}, "c9/mesh": {"unreachable": 1}}
    assert "no/such/file" in next(t.error for t in run.planned.plan.targets if t.error)


async def test_rounds_of_a_daemon_over_one_connection(kube_fleet: KubeFleet) -> None:
    """The daemon reads on from the server's memory: a hand edit, another's delete and a prune are seen all the same,
    and rounds without a change find nothing, write nothing and ask for no dry-run."""
    fleet = kube_fleet
    async with keeping_connections(fleet.world()) as world:

        async def round_of(**request: Any) -> Any:
            return await pipeline.apply(world, Request(**request))

        assert rows(await round_of()) == {"c0/mesh": {"changed": 3}}
        for _ in range(3):
            quiet = await round_of()
            assert rows(quiet) == {"c0/mesh": {"ok": 3}}
            assert not quiet.planned.live.clusters["c0"].predictions
        body = await asyncio.to_thread(fleet.get, "virtualservices", "reviews")
        body["spec"]["http"][0]["timeout"] = "30s"
        await asyncio.to_thread(fleet.put, "virtualservices", body)
        assert rows(await settled(round_of, drifted=1)) == {"c0/mesh": {"ok": 2, "changed": 1, "drifted": 1}}
        assert rows(await round_of()) == {"c0/mesh": {"ok": 3}}
        path = fleet.url("virtualservices", "cart")
        await asyncio.to_thread(fleet.servers[0].request, "DELETE", path)
        assert rows(await settled(round_of, drifted=1)) == {"c0/mesh": {"ok": 2, "changed": 1, "drifted": 1}}
        assert rows(await round_of()) == {"c0/mesh": {"ok": 3}}
        fleet.remove("policies/cart.yaml")
        fleet.commit("no cart")
        assert rows(await round_of()) == {"c0/mesh": {"ok": 2, "pruned": 1}}
        assert rows(await round_of()) == {"c0/mesh": {"ok": 2}}
        fleet.file("policies/reviews.yaml", (fleet.repo / "policies/reviews.yaml").read_text().replace("3s", "4s"))
        fleet.commit("slower")
        assert rows(await round_of()) == {"c0/mesh": {"ok": 1, "changed": 1}}
        assert rows(await round_of()) == {"c0/mesh": {"ok": 2}}
    assert fleet.store.verify() > 0


async def settled(round_of: Any, drifted: int) -> Any:
    """The round that sees the drift: the server's memory may be behind for a moment, and only then."""
    for _ in range(20):
        run = await round_of()
        if sum(row.drifted for row in run.rows) == drifted:
            return run
        assert not run.results, "nothing else was to be written"
        await asyncio.sleep(0.1)
    raise AssertionError("the change was never seen")
