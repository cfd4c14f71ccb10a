"""The policy of pods that no Server selects, as the default of a group of this one mesh.

Neutral documents say it of all namespaces of the mesh alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of
from reconciler.adapters.linkerd.meaning.namespaces import policy_of
from reconciler.adapters.linkerd.servers import DENY, OPEN, STRICT

_DEFAULTS: Mapping[str, dict[str, str]] = {
    DENY: {"access": "Deny"},
    STRICT: {"mtls": "Strict"},
    OPEN: {"mtls": "Permissive"},
}


def reader(bodies: Sequence[Body], scene: Scene) -> Callable[[Body, Scene], Draft]:
    """Reads one of the Namespaces among ``bodies``."""
    said = {key_of(body): policy_of(body) for body in bodies if key_of(body).kind == "Namespace"}
    policies, names = set(said.values()), {key.name for key in said}
    first = min(said, default=None)

    def read(body: Body, scene: Scene) -> Draft:
        if len(policies) > 1 or names != set(scene.mesh.enrolled_namespaces):
            raise Unsayable("neutral documents say it of all namespaces of the mesh alike, and these differ")
        (policy,) = policies
        if policy not in _DEFAULTS:
            raise Unsayable(f"no neutral field covers the policy {policy}")
        key = key_of(body)
        return Draft(key, (_group(policy, scene),)) if key == first else Draft(key, (), within=first)

    return read


def _group(policy: str, scene: Scene) -> dict[str, Any]:
    members = {"names": [scene.mesh_name]} | ({"clusters": [scene.only]} if scene.only else {})
    spec = {"meshes": members, "defaults": _DEFAULTS[policy]}
    return {"kind": "VirtualMesh", "name": f"{scene.mesh_name}-{next(iter(_DEFAULTS[policy]))}", "spec": spec}
