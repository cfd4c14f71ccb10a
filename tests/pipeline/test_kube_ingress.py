"""What gateways let in, on a real kube-apiserver with the definitions of both ways: accepted as it is, and no drift
from what the server fills in; the last route of a host is seen to go."""

from __future__ import annotations

import pytest

from reconciler.model.plans import Action
from tests.pipeline.fleet import rows
from tests.pipeline.test_kube import KubeFleet, kube_fleet

__all__ = ["kube_fleet"]
pytestmark = pytest.mark.kube
MESHES = """
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec:
  type: istio
  clusterSelector: {}
  gateways: [{name: public, role: Ingress, namespace: NS, selector: {matchLabels: {istio: ingressgateway}}}]
---
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: gw}
spec: {type: gateway-api, clusterSelector: {}}
"""
DOCUMENT = """
gateways: [{gateway: public}, {controller: gatewayapi, class: any, namespace: NS}]
listeners:
  - {name: http, port: 80, protocol: HTTP, hosts: [a.example.org, "*.b.example.org"]}
  - name: https
    port: 443
    protocol: HTTPS
    hosts: [a.example.org]
    tls: {mode: Mutual, secretRef: {name: cert}, clientCaRef: {name: callers}}
  - {name: sealed, port: 8443, protocol: TLS, hosts: [db.example.org], tls: {mode: Passthrough}}
  - {name: tcp, port: 5432, protocol: TCP}
routes:
  - {listeners: [http], hosts: ["*.b.example.org"], then: {redirect: {scheme: https, code: 301}}}
  - listeners: [http, https]
    hosts: [a.example.org]
    match:
      - {path: {prefix: /api}, methods: [GET, POST], headers: [{name: x, exact: "1"}], query: [{name: q, regex: "a+"}]}
    then: {route: [{to: {services: [reviews.NS], subset: v1}, weight: 90}, {to: cart.NS, weight: 10}]}
    rule:
      timeout: 10s
      retries: {attempts: 2, perTry: 1s, on: [5xx]}
      headers: {request: {set: {x-b: "1"}}}
      cors: {origins: ["https://a.example"], methods: [GET], maxAge: 10m}
      rewrite: {prefix: /}
  - {listeners: [https], then: {route: [{to: reviews.NS}]}}
  - {listeners: [sealed, tcp], then: {route: [{to: cart.NS}]}}
"""


def test_second_run_finds_nothing_and_a_host_without_routes_goes(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    head = "apiVersion: reconciler.dev/v1alpha1\nkind: Ingress\nmetadata: {name: edge}\nspec:\n"
    body = DOCUMENT.replace("NS", fleet.namespace)
    fleet.remove("policies/reviews.yaml")
    fleet.remove("policies/cart.yaml")
    fleet.file("desired-state/mesh.yaml", MESHES.replace("NS", fleet.namespace))
    fleet.file("policies/edge.yaml", head + "".join(f"  {line}\n" for line in body.strip().splitlines()))
    fleet.commit("a gateway")
    first = fleet.apply()
    assert first.code == 0, [*map(str, first.planned.findings), *(r.message for r in first.results)]
    assert {result.change.key.kind for result in first.results} == {
        "DestinationRule", "Gateway", "VirtualService", "Service", "HTTPRoute", "TLSRoute", "TCPRoute",
    }  # fmt: skip
    second = fleet.apply()
    assert second.code == 0
    fleet.store.replace_proven("c0", {})
    third = fleet.apply()
    assert {key for row in rows(third).values() for key in row} == {"ok"}
    assert not third.planned.live.clusters["c0"].predictions
    without = body.replace('hosts: ["*.b.example.org"], then', "hosts: [a.example.org], then")
    fleet.file("policies/edge.yaml", head + "".join(f"  {line}\n" for line in without.strip().splitlines()))
    fleet.commit("nothing for b any more")
    plan = fleet.plan()
    assert "ingress-host-without-routes" in {finding.code for finding in plan.planned.findings}
    gone = {c.key.kind for target in plan.planned.plan.targets for c in target.changes if c.action is Action.PRUNE}
    assert gone == {"VirtualService", "HTTPRoute"}
