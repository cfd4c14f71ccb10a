"""A service of connections on Envoy proxies: shares of them hold, and of what is about requests it is said that it is
without effect."""

from __future__ import annotations

from tests.cases.whole import compiled_files

GIVEN = """
apiVersion: reconciler.dev/v1alpha1
kind: Cluster
metadata: {name: edge}
spec: {connection: {proxies: {path: proxies}}}
---
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: local}
spec: {type: envoy, clusters: [edge]}
---
apiVersion: reconciler.dev/v1alpha1
kind: Destination
metadata: {name: ledger}
spec:
  hosts: [ledger.shop]
  ports: [{number: 7000, name: tcp, protocol: TCP}]
  workloads:
    - {name: v1, address: 192.0.2.1, serviceAccount: {name: ledger, namespace: shop}, labels: {version: v1}}
    - {name: v2, address: 192.0.2.2, serviceAccount: {name: ledger, namespace: shop}, labels: {version: v2}}
"""
POLICIES = """
apiVersion: reconciler.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: shares}
spec: {to: [ledger.shop], rule: {route: {v1: 90, v2: 10}}}
---
apiVersion: reconciler.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: patient}
spec: {to: [ledger.shop], rule: {retries: {attempts: 2}, timeout: 3s}}
"""


def test_what_is_about_requests_is_not_said_to_be_applied() -> None:
    files = {"desired-state/mesh.yaml": GIVEN.encode(), "policies/p.yaml": POLICIES.encode()}
    made, _ = compiled_files(files, {"edge": []})
    said = {one.capability: one.action for one in made.verdicts}
    assert said["traffic.route.weight"] == "Applied"
    assert "Applied" not in (said["traffic.retries.attempts"], said["traffic.timeout.request"])
