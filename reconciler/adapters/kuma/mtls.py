"""MeshTLS: whether the whole mesh, or the workloads behind one service, take connections without mTLS. That there is
mTLS at all, and whose certificates it has, is said in the Mesh or in a MeshIdentity, which are not ours."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.finished import finished
from reconciler.adapters.kuma.kinds import TLS
from reconciler.adapters.kuma.objects import WHOLE, arriving, build, proxies, system_namespace
from reconciler.model.intents import MeshIntent, MtlsIntent
from reconciler.model.native import NativeObject

MESH_WIDE = "mesh-tls"
MODES = ("Strict", "Permissive")


def emit(intent: MeshIntent) -> Iterable[Built]:
    for mtls in intent.mtls:
        gaps = Gaps(asked=mtls.origins)  # each asks for the same mode
        yield finished([mesh_tls(mtls, intent, gaps)], gaps, mtls.origins, intent, mtls.service)


def mesh_tls(mtls: MtlsIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The mode as an object. Without labels to select by it would hold for a whole namespace, so that is a gap."""
    if mtls.mode not in MODES:
        gaps.error("mesh-inexpressible", "mTLS is switched off for a whole mesh only, in the Mesh, which is not ours")
        return None
    if intent.mesh.mtls == "Disabled":
        told = "the mesh has no mTLS, so that its mode says nothing"
        gaps.error("mesh-inexpressible", told, hint="enable a backend in the Mesh, or make a MeshIdentity")
    part = arriving({"mode": mtls.mode}, TLS, intent)
    if mtls.service is None:
        spec = {"targetRef": dict(WHOLE), **part}
        return build(intent, TLS, system_namespace(intent), MESH_WIDE, spec, mtls.origins)
    if not mtls.selector:
        gaps.error("mesh-inexpressible", f"no workloads are known behind {mtls.service}, so nothing can be selected")
        return None
    _check_overlap(mtls, intent, gaps)
    spec = {"targetRef": proxies(mtls.selector, intent), **part}
    return build(intent, TLS, mtls.service.namespace, mtls.service.name, spec, mtls.origins)


def _check_overlap(mtls: MtlsIntent, intent: MeshIntent, gaps: Gaps) -> None:
    """Of two policies about one proxy the mesh takes the one whose name comes first."""
    assert mtls.service is not None
    mine = intent.cluster.workloads_with(mtls.service.namespace, mtls.selector)
    for other in intent.mtls_by_namespace.get(mtls.service.namespace, ()):
        if other.service is None or other.service >= mtls.service or other.mode == mtls.mode:
            continue
        theirs = intent.cluster.workloads_with(mtls.service.namespace, other.selector)
        if dict(other.selector) == dict(mtls.selector) or any(one in theirs for one in mine):
            told = f"{other.service} and {mtls.service} share workloads, asked to be {other.mode} and {mtls.mode}"
            gaps.error("mtls-overlap", told)
