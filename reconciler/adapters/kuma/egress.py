"""MeshPassthrough of the whole mesh: what proxies do with calls to hosts that the mesh does not know."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.finished import finished
from reconciler.adapters.kuma.kinds import PASSTHROUGH
from reconciler.adapters.kuma.objects import WHOLE, build, system_namespace
from reconciler.model.intents import MeshIntent

NAME = "mesh-egress"
MODES = {"AllowAny": "All", "RegistryOnly": "None"}


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The policy, where anything is asked. One about fewer proxies takes its place there."""
    if intent.egress is None:
        return
    spec = {"targetRef": dict(WHOLE), "default": {"passthroughMode": MODES[intent.egress.mode]}}
    made = build(intent, PASSTHROUGH, system_namespace(intent), NAME, spec, intent.egress.origins)
    yield finished([made], Gaps(), intent.egress.origins, intent)
