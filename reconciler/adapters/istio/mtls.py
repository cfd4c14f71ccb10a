"""PeerAuthentication: the mTLS mode of the whole mesh, or of the workloads behind one service."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.advice import advise_mtls
from reconciler.adapters.istio.kinds import PEER_AUTHENTICATION
from reconciler.adapters.istio.objects import build, root_namespace
from reconciler.model.intents import MeshIntent, MtlsIntent
from reconciler.model.native import NativeObject

#: the name that people and tools expect for the one of a mesh
MESH_WIDE = "default"
MODES = {"Strict": "STRICT", "Permissive": "PERMISSIVE", "Disabled": "DISABLE"}


def emit(intent: MeshIntent) -> Iterable[Built]:
    for mtls in intent.mtls:
        gaps = Gaps(asked=mtls.origins)  # each asks for the same mode
        yield built([peer_authentication(mtls, intent, gaps)], gaps, mtls.origins, intent, mtls.service)


def peer_authentication(mtls: MtlsIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The mode as an object. Without labels to select by it would hold for a whole namespace, so that is a gap."""
    advise_mtls(mtls, intent, gaps)
    spec = {"mtls": {"mode": MODES[mtls.mode]}}
    if mtls.service is None:
        return build(intent, PEER_AUTHENTICATION, root_namespace(intent), MESH_WIDE, spec, mtls.origins)
    if not mtls.selector:
        gaps.error("mesh-inexpressible", f"no workloads are known behind {mtls.service}, so nothing can be selected")
        return None
    selected = {"selector": {"matchLabels": dict(sorted(mtls.selector.items()))}} | spec
    name = f"{mtls.service.name}-mtls"
    return build(intent, PEER_AUTHENTICATION, mtls.service.namespace, name, selected, mtls.origins)
