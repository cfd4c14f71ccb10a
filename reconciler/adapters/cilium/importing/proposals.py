"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.adapters.cilium.importing.policies import network_policy
from reconciler.adapters.importing import Body, Imported, Scene, key_of, proposed
from reconciler.adapters.standard.importing import importer as routes


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    policies = [body for body in bodies if key_of(body).kind == "CiliumNetworkPolicy"]
    rest = [body for body in bodies if key_of(body).kind != "CiliumNetworkPolicy"]
    return routes(rest, scene) | proposed(policies, network_policy, scene)
