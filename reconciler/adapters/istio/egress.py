"""Sidecar of the whole mesh: what proxies do with calls to hosts that the mesh does not know. A narrower Sidecar takes
its place, so those that narrow the reach of callers say it too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import SIDECAR
from reconciler.adapters.istio.objects import build, root_namespace
from reconciler.model.intents import MeshIntent

#: the name that people and tools expect for the one of a mesh
MESH_WIDE = "default"
MODES = {"AllowAny": "ALLOW_ANY", "RegistryOnly": "REGISTRY_ONLY"}
_SETTING = "outboundTrafficPolicy.mode"


def emit(intent: MeshIntent) -> Iterable[Built]:
    if intent.egress is None:
        return
    gaps = Gaps()
    _tell_setting(MODES[intent.egress.mode], intent, gaps)
    spec = {"egress": [{"hosts": ["*/*"]}], **policy(intent)}
    made = build(intent, SIDECAR, root_namespace(intent), MESH_WIDE, spec, intent.egress.origins)
    yield built([made], gaps, intent.egress.origins, intent)


def policy(intent: MeshIntent) -> dict[str, Any]:
    """What each Sidecar of the mesh has to say of it; nothing where nothing is asked."""
    return {} if intent.egress is None else {"outboundTrafficPolicy": {"mode": MODES[intent.egress.mode]}}


def _tell_setting(mode: str, intent: MeshIntent, gaps: Gaps) -> None:
    said = intent.mesh.settings.get(_SETTING, "")
    if said not in ("", mode):
        message = (
            f"meshConfig.{_SETTING} is {said}: it holds for gateways, and where a Sidecar of somebody else says nothing"
        )
        gaps.warning("mesh-setting-differs", message, hint=f"set it to {mode}, or change spec.config.egress")
