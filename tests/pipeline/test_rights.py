"""Whole runs on a real kube-apiserver under exactly the role that is printed, under less, and under reading only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.plans import Action, Reason
from reconciler.model.rights import Right
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.world import Request
from tests.kube.control_plane import ApiServer
from tests.pipeline.account import RBAC, WRITTEN, Account, rights_of, said, without
from tests.pipeline.fleet import rows, service

ISTIO, SECURITY = "networking.istio.io", "security.istio.io"
CRDS = "customresourcedefinitions"
HINT = "reconciler rbac prints the role that grants it"
READ = ("list", "watch")
VERBS = ("create", "delete", "get", "patch")
#: what Git asks for after ``everything``, by plural and name; names that end in a hash without it
ALL = {
    "authorizationpolicies cart-allow-tokens",
    "authorizationpolicies reviews-allow-readers",
    "configmaps own",
    "destinationrules reviews",
    "envoyfilters script-",
    "gateways edge-http",
    "peerauthentications reviews-mtls",
    "proxyconfigs own",
    "requestauthentications cart-jwt",
    "serviceentries billing-",
    "sidecars default",
    "telemetries telemetry-",
    "virtualservices cart",
    "virtualservices edge.http.a.NS.example",
    "virtualservices reviews",
    "wasmplugins code-",
    "workloadgroups own",
}


@pytest.fixture
def account(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[Account]:
    made = Account(tmp_path, kube, fresh_namespace)
    yield made
    made.store.close()


def test_runs_under_exactly_the_printed_role_do_all_that_they_have_to(account: Account) -> None:
    account.everything()
    account.allow(account.printed())
    assert account.plan().code == 2
    first = account.apply()
    assert (first.code, rows(first)) == (0, {"eu/mesh": {"changed": len(ALL)}}), [r.message for r in first.results]
    assert account.ours() == ALL
    assert rows(account.apply()) == {"eu/mesh": {"ok": len(ALL)}}

    path = f"/apis/{ISTIO}/v1/namespaces/{account.namespace}/virtualservices/cart"
    live = account.made("GET", path, None)
    live["spec"]["http"][0] |= {"timeout": "9s", "retries": {"attempts": 7}}
    account.made("PUT", path, live)
    account.policy("reviews", f"{{to: [reviews.{account.namespace}], rule: {{route: {{v1: 50, v2: 50}}}}}}")
    account.remove("policies/own.yaml")
    account.commit("less")
    run = account.apply()
    assert rows(run) == {"eu/mesh": {"ok": len(ALL) - 5, "changed": 2, "pruned": 3, "drifted": 1}}, said(run)
    assert account.made("GET", path, None)["spec"]["http"][0]["timeout"] == "1s"
    assert account.ours() == ALL - {"workloadgroups own", "configmaps own", "proxyconfigs own"}
    assert rows(account.apply()) == {"eu/mesh": {"ok": len(ALL) - 3}}


def test_the_role_is_the_least(account: Account) -> None:
    account.everything()
    (role,) = (body for body in account.printed() if body["kind"] == "ClusterRole")
    writing = {right for right in rights_of(role) if right.verb not in READ}
    assert writing == {Right(group, resource, verb) for group, resource in WRITTEN for verb in VERBS} | {
        Right("apiextensions.k8s.io", CRDS, "get")
    }
    account.settings(f"{{mode: Apply, prune: false, owner: {account.namespace}}}")
    (role,) = (body for body in account.printed() if body["kind"] == "ClusterRole")
    assert {right for right in rights_of(role) if right.verb not in READ} == {
        right for right in writing if right.verb != "delete"
    }


SINGLE = [
    *(Right(ISTIO, "virtualservices", verb) for verb in (*VERBS, "list")),
    Right(ISTIO, "destinationrules", "delete"),
    Right(ISTIO, "envoyfilters", "create"),
    Right(ISTIO, "sidecars", "list"),
    Right(ISTIO, "workloadgroups", "create"),
    Right(SECURITY, "authorizationpolicies", "patch"),
    Right(SECURITY, "peerauthentications", "get"),
    Right("", "configmaps", "delete"),
    Right("", "configmaps", "list"),
    Right("", "services", "list"),
    Right("", "pods", "list"),
    Right("apps", "statefulsets", "list"),
    Right("apiextensions.k8s.io", CRDS, "get"),
    Right("apiextensions.k8s.io", CRDS, "list"),
]


@pytest.mark.parametrize("right", SINGLE, ids=str)
def test_a_single_missing_right_is_named_before_anything_is_written(account: Account, right: Right) -> None:
    account.everything()
    account.allow(without(account.printed(), [right]), denied=[right])
    run = account.apply()
    (message,) = said(run)
    assert message.startswith(
        (f"the account may not {right}, so nothing is written", f"the account may not {right}; {HINT}")
    )
    assert run.code in (1, 4)
    assert run.results == ()
    assert account.ours() == set()
    assert account.events(type="object.*") == []


def test_all_that_is_missing_is_named_at_once_and_other_targets_go_on(
    account: Account, kube_clusters: list[ApiServer]
) -> None:
    other = kube_clusters[1]
    for name in ("reviews", "cart"):
        path = f"/api/v1/namespaces/{account.namespace}/services"
        assert other.request("POST", path, service(name, account.namespace))[0] == 201
    account.cluster("us", {"kubeconfig": {"path": str(other.kubeconfig)}})
    account.commit("two")
    missing = [
        Right(ISTIO, "virtualservices", "create"),
        Right(ISTIO, "virtualservices", "delete"),
        Right(ISTIO, "destinationrules", "patch"),
        Right(ISTIO, "gateways", "list"),
    ]
    account.allow(without(account.printed(), missing), denied=missing)
    run = account.apply()
    assert said(run) == [
        f"the account may not patch destinationrules.{ISTIO}; list gateways.{ISTIO};"
        f" create, delete virtualservices.{ISTIO}, so nothing is written to eu/mesh"
    ]
    assert rows(run) == {"eu/mesh": {"blocked": 3}, "us/mesh": {"changed": 3}}
    assert run.code == 5
    withheld = {change.withheld for change in run.planned.plan.changes if change.target.cluster == "eu"}
    assert withheld == {Reason.RIGHTS_MISSING}
    assert account.ours() == set()
    account.allow(account.printed())
    assert rows(account.apply()) == {"eu/mesh": {"changed": 3}, "us/mesh": {"ok": 3}}


def test_the_read_only_role_plans_and_cannot_write(account: Account, kube: ApiServer) -> None:
    account.everything()
    account.allow(account.printed("--read-only"))
    plan = account.plan()
    assert (plan.code, said(plan)) == (2, [])
    assert {change.action for change in plan.planned.plan.changes} == {Action.CREATE}
    refused = account.apply()
    assert refused.code == 1
    (message,) = said(refused)
    assert all(f"create, delete, get, patch {resource}" in message for _group, resource in WRITTEN)
    assert account.ours() == set()


def test_reading_only_finds_the_differing_fields_too(account: Account) -> None:
    account.allow(account.printed())
    account.apply()
    path = f"/apis/{ISTIO}/v1/namespaces/{account.namespace}/virtualservices/cart"
    live = account.made("GET", path, None)
    live["spec"]["http"][0]["timeout"] = "9s"
    account.made("PUT", path, live)
    account.allow(account.printed("--read-only"), denied=[Right(ISTIO, "virtualservices", "patch")])
    account.settings(f"{{mode: Report, owner: {account.namespace}}}")
    account.commit("report")
    run = account.apply()
    assert (run.code, rows(run)) == (2, {"eu/mesh": {"ok": 2, "drifted": 1, "skipped": 1}})
    (change,) = (change for change in run.planned.plan.changes if change.pending)
    assert change.withheld is Reason.REPORT_MODE
    assert [(f.path, f.before, f.after, f.drift) for f in change.fields] == [("spec.http[0].timeout", "9s", "1s", True)]


def test_rights_in_the_namespaces_of_the_objects_are_enough(account: Account) -> None:
    account.allow(account.printed("--read-only"))
    (role,) = (body for body in account.printed() if body["kind"] == "ClusterRole")
    rules = [rule for rule in role["rules"] if "create" in rule["verbs"]]
    _grant_here(account, account.namespace, rules)
    assert rows(account.apply()) == {"eu/mesh": {"changed": 3}}
    elsewhere = f"{account.namespace}-b"
    account.made(
        "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": elsewhere}}
    )
    account.made("POST", f"/api/v1/namespaces/{elsewhere}/services", service("reviews", elsewhere))
    account.policy("there", f"{{to: [reviews.{elsewhere}], rule: {{timeout: 5s}}}}")
    account.commit("elsewhere")
    run = account.apply()
    place = f"virtualservices.{ISTIO} in namespace {elsewhere}"
    assert said(run) == [f"the account may not create, delete, get, patch {place}, so nothing is written to eu/mesh"]
    assert rows(run) == {"eu/mesh": {"ok": 3, "blocked": 1}}


def _grant_here(account: Account, namespace: str, rules: list[dict[str, Any]]) -> None:
    head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": "writer"}}
    path = f"/apis/{RBAC}/v1/namespaces/{namespace}"
    account.made("POST", f"{path}/roles", {**head, "kind": "Role", "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "runner", "namespace": account.namespace}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": "writer"}
    binding = {**head, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
    account.made("POST", f"{path}/rolebindings", binding)
    account.await_missing([Right(ISTIO, "virtualservices", "patch", namespace)], [])


def test_rights_are_asked_once_a_process_and_again_after_a_refusal(account: Account) -> None:
    gone = Right(ISTIO, "virtualservices", "patch")
    account.allow(account.printed())
    world = account.world()
    assert asyncio.run(pipeline.apply(world, Request())).code == 0
    account.allow(without(account.printed(), [gone]), denied=[gone])
    in_sync = asyncio.run(pipeline.apply(world, Request()))
    assert (in_sync.code, said(in_sync)) == (0, [])  # a pass that writes nothing asks nothing
    account.policy("cart", f"{{to: [cart.{account.namespace}], rule: {{timeout: 2s}}}}")
    account.commit("slower")
    believing = asyncio.run(pipeline.apply(world, Request()))
    assert rows(believing) == {"eu/mesh": {"ok": 2, "failed": 1}}
    assert said(believing) == []
    knowing = asyncio.run(pipeline.apply(world, Request()))
    assert said(knowing) == [f"the account may not {gone}, so nothing is written to eu/mesh"]
    assert rows(knowing) == {"eu/mesh": {"ok": 2, "blocked": 1}}
    account.allow(account.printed())
    healed = asyncio.run(pipeline.apply(world, Request()))
    assert rows(healed) == {"eu/mesh": {"ok": 2, "changed": 1}}


def test_a_kind_that_cannot_be_listed_says_so_where_nothing_is_to_be_written(account: Account) -> None:
    account.allow(account.printed())
    account.apply()
    unlisted = Right(ISTIO, "virtualservices", "list")
    account.allow(without(account.printed(), [unlisted]), denied=[unlisted])
    plan = account.plan().planned.plan
    whys = {change.key.kind: change.why for change in plan.changes if change.withheld is Reason.PARTIAL_VIEW}
    assert set(whys) == {"VirtualService"}
    assert 'cannot list resource "virtualservices"' in whys["VirtualService"]
    assert whys["VirtualService"].endswith(f"({HINT})")
