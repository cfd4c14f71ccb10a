"""Whether a policy says in so many words that it is not about a target, before its variables are known."""

from __future__ import annotations

from reconciler.load.blocks import mesh_set
from reconciler.load.checked import Checked
from reconciler.load.longform import long_form
from reconciler.load.nodes import Map, Seq
from reconciler.load.variables import uses
from reconciler.model.documents import View
from reconciler.model.membership import covers
from reconciler.model.refs import TargetId

_SCOPES = {"Extension": "workloads", "TelemetryPolicy": "workloads", "Ingress": "gateways"}


def is_elsewhere(document: Checked, target: TargetId, view: View) -> bool:
    """True when every item of ``to`` (or of ``workloads``, ``gateways``) names other clusters or meshes."""
    spec = long_form(document.ref.kind, document.root)["spec"]
    items = spec.get(_SCOPES.get(document.ref.kind, "to"))
    return isinstance(items, Seq) and bool(items) and all(_item_is_elsewhere(item, target, view) for item in items)


def _item_is_elsewhere(item: object, target: TargetId, view: View) -> bool:
    if not isinstance(item, Map):
        return False
    clusters, meshes, services = item.get("clusters"), item.get("meshes", item.get("mesh")), item.get("services")
    if isinstance(clusters, Seq) and not uses(clusters, clusters.at) and target.cluster not in clusters:
        return True
    if isinstance(meshes, Map) and not uses(meshes, meshes.at) and not covers(mesh_set(meshes), target, view):
        return True
    return isinstance(services, Seq) and all(
        isinstance(one, Map) and "${" not in one.get("cluster", "${") and one["cluster"] != target.cluster
        for one in services
    )
