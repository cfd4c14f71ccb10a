"""How the mesh proves who calls: by SPIFFE IDs of a MeshIdentity, or by tags in certificates of its own authority."""

from __future__ import annotations

from reconciler.model.facts import ClusterFacts, MeshFacts
from reconciler.model.refs import ServiceRef

IDENTITY = ""
TAGS = "tags"
PROFILES = (IDENTITY, TAGS)
#: in the settings of the mesh: of which kind its identities are
SETTING = "identity"


def profile_of(mesh: MeshFacts) -> str:
    """By identities where nothing is known: that is how the mesh is to be run from 2.12 on."""
    return TAGS if mesh.settings.get(SETTING) == TAGS else IDENTITY


def profile(mesh: MeshFacts, _cluster: ClusterFacts, _service: ServiceRef | None) -> str:
    return profile_of(mesh)
