"""A small control plane as charts are rendered: a definition and an object of it, a namespace, and what runs there."""

from __future__ import annotations

RENDERED = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: checks-NS, creationTimestamp: null}
webhooks:
- name: checks.example.org
  failurePolicy: Ignore
  sideEffects: None
  admissionReviewVersions: [v1]
  clientConfig: {service: {name: plane, namespace: NS-system, path: /check}}
  rules: [{apiGroups: [NS.example.org], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}]
---
apiVersion: NS.example.org/v1
kind: Thing
metadata: {name: first, namespace: NS-system}
spec: {size: 3}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: plane}
  spec:
    replicas: 1
    selector: {matchLabels: {app: plane}}
    template:
      metadata: {labels: {app: plane}, annotations: null}
      spec:
        serviceAccountName: plane
        containers:
        - {name: plane, image: "plane:1", ports: [{containerPort: 443}], resources: {requests: {cpu: 500m}}}
- apiVersion: autoscaling/v1
  kind: HorizontalPodAutoscaler
  metadata: {name: plane}
  spec:
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: plane}
    minReplicas: 1
    maxReplicas: 5
- {apiVersion: v1, kind: Service, metadata: {name: plane}, spec: {selector: {app: plane}, ports: [{port: 443}]}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: plane}}
---
# what a chart leaves where a condition is off
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: plane-NS}
rules: [{apiGroups: [""], resources: [services], verbs: [get, list]}]
---
apiVersion: v1
kind: Namespace
metadata: {name: NS-system}
"""
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.NS.example.org}
spec:
  group: NS.example.org
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
status: {conditions: [], storedVersions: []}
"""
MESH = """
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {type: istio, clusterSelector: {}%s}
"""
OBJECTS = 9  # in the two files


def manifests(name: str) -> dict[str, str]:
    """The files by path, of a control plane in a namespace of its own, ``<name>-system``."""
    return {
        "manifests/plane/all.yaml": RENDERED.replace("NS", name),
        "manifests/plane/crds/all.yaml": DEFINITION.replace("NS", name),
    }


def mesh(install: str = "") -> str:
    return MESH % (f", install: {install}" if install else "")


def present(name: str) -> str:
    return f"{{source: {{path: manifests/plane}}, namespace: {name}-system}}"
