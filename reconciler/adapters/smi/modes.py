"""What is one setting of the whole mesh, made when it is installed: whether it is closed, and its mTLS. It is compared
with what is asked and never written."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.smi.detect import ACCESS, CLOSED
from reconciler.adapters.smi.products import PRODUCTS, product_of
from reconciler.model.intents import MeshIntent, MtlsIntent

_WHERE = "enablePermissiveTrafficPolicyMode, acl or accessControlMode, as the product calls it"


def emit(intent: MeshIntent) -> Iterable[Built]:
    for mtls in intent.mtls:
        gaps = Gaps(asked=mtls.origins)
        _check_mode(mtls, intent, gaps)
        yield built([], gaps, mtls.origins, intent, mtls.service)
    if intent.default_deny is not None:
        gaps = Gaps()
        check_closed(intent, gaps)
        yield built([], gaps, intent.default_deny.origins, intent)
    yield _ended(intent)


def check_closed(intent: MeshIntent, gaps: Gaps) -> None:
    """Where the mesh lets everything through, what allows somebody restricts nobody."""
    if intent.mesh.settings.get(ACCESS) != CLOSED:
        told = f"the mesh is not known to refuse what no policy allows ({_WHERE}), so nobody would be kept out"
        gaps.error("mesh-setting-differs", told, hint="close it when it is installed")


def _check_mode(mtls: MtlsIntent, intent: MeshIntent, gaps: Gaps) -> None:
    if mtls.mode != intent.mesh.mtls:
        has = intent.mesh.mtls or "not known"
        gaps.error("mesh-setting-differs", f"the mesh has one mode of mTLS for all, which is {has}, not {mtls.mode}")


def _ended(intent: MeshIntent) -> Built:
    """Nobody keeps what these meshes are made of."""
    origins = [origin for host in intent.hosts for origin in host.origins]
    origins += [origin for access in intent.access for origin in access.origins]
    if not origins:
        return Built()
    gaps = Gaps()
    told = f"{PRODUCTS[product_of(intent)].ended}: nobody mends what is found in it"
    gaps.warning("mesh-ended", told, hint="move to a mesh that is kept")
    return built([], gaps, sorted(origins)[:1], intent)
