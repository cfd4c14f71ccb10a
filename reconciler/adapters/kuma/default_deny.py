"""Default deny: what the mesh does by itself where no permission allows a call, once it has mTLS. Gateways of the mesh
take calls from outside without a permission."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.access import WIDE
from reconciler.adapters.kuma.finished import finished
from reconciler.adapters.kuma.kinds import PERMISSION
from reconciler.adapters.kuma.objects import WHOLE, build, system_namespace
from reconciler.adapters.kuma.profiles import TAGS, profile_of
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

NAME = "mesh-default-deny"


def emit(intent: MeshIntent) -> Iterable[Built]:
    if intent.default_deny is not None:
        gaps = Gaps()
        yield finished(_permission(intent, gaps), gaps, intent.default_deny.origins, intent)


def _permission(intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    """With tags a deny that narrower permissions take the place of. With identities a deny would hold against every
    permission, so that nothing is written; then no other permission may be in the way."""
    deny, wide = intent.default_deny, intent.mesh.settings.get(WIDE)
    assert deny is not None
    if intent.mesh.mtls == "Disabled":
        told = "the mesh has no mTLS, and refuses nobody without it"
        gaps.error("identity-without-mtls", told, hint="enable a backend in the Mesh, or make a MeshIdentity")
    if wide:
        told = f"{wide} allows callers to all workloads of the mesh"
        gaps.error("mesh-inexpressible", told, hint="remove it once every caller has a permission")
    if profile_of(intent.mesh) == TAGS:
        entry = {"targetRef": dict(WHOLE), "default": {"action": "Deny"}}
        spec = {"targetRef": dict(WHOLE), "from": [entry]}
        return [build(intent, PERMISSION, system_namespace(intent), NAME, spec, deny.origins)]
    return []
