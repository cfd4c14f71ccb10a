"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.adapters.cilium.importing.policies import network_policy
from reconciler.adapters.importing import Body, Draft, Imported, Scene, Unsayable, drafted, key_of
from reconciler.adapters.standard.importing import importer as routes
from reconciler.model.refs import ObjectKey


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    policies = [body for body in bodies if key_of(body).kind == "CiliumNetworkPolicy"]
    rest = routes([body for body in bodies if key_of(body).kind != "CiliumNetworkPolicy"], scene)
    drafts: list[Draft] = [*rest.drafts]
    kept: dict[ObjectKey, str] = {**rest.kept}
    for body in policies:
        try:
            drafts.append(drafted(network_policy, body, scene))
        except Unsayable as reason:
            kept[key_of(body)] = str(reason)
    return Imported(tuple(drafts), kept)
