"""What the proxies of a whole mesh do with calls to hosts that it does not know (``Mesh.config.egress``)."""

from __future__ import annotations

from reconciler.adapters.base import Level
from reconciler.compile.negotiation import negotiate, terms_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use
from reconciler.compile.site import Site
from reconciler.model.findings import warning
from reconciler.model.origins import Origin
from reconciler.model.reach import EgressIntent
from reconciler.model.rules import OnUnsupported

EGRESS = "mesh.config.egress"


def egress_of(site: Site, notes: Notes) -> EgressIntent | None:
    """What the Mesh document asks, where the mesh can do it."""
    mesh = site.document
    if not mesh.egress or not carried(Use(EGRESS, mesh.position, value=mesh.egress), site, notes):
        return None
    return EgressIntent(mesh.egress, (Origin(mesh.ref, mesh.position),))


def carried(use: Use, site: Site, notes: Notes) -> bool:
    """Whether a setting of the mesh is done for any of its workloads. Each way of serving them answers for itself,
    so that nobody takes a part of it for the whole."""
    by_way: dict[str, list[str]] = {} if site.mesh.enrolled_namespaces else {site.profile(): []}
    for namespace in sorted(site.mesh.enrolled_namespaces):
        by_way.setdefault(site.mesh.profile(namespace), []).append(namespace)
    lacking = [way for way in sorted(by_way) if not _can(use.path, site, way)]
    able = [way for way in sorted(by_way) if way not in lacking]
    terms = terms_of(site.document.ref, (use,), OnUnsupported(), site)
    if not negotiate(terms, (able or lacking)[0], (), site, notes).able:
        return False
    for way in lacking:
        _tell_part(use, site, way, by_way[way], notes)
    return True


def _can(path: str, site: Site, way: str) -> bool:
    claim = site.adapter.capability(path, way)
    return claim is not None and claim.level is not Level.NONE


def _tell_part(use: Use, site: Site, way: str, namespaces: list[str], notes: Notes) -> None:
    mesh, claim = site.document, site.adapter.capability(use.path, way)
    note = f"not in {', '.join(namespaces)}" + (f": {claim.note}" if claim else "")
    message = (
        f"{mesh.ref} asks for {use.path} {use.value}, which the workloads of some namespaces will not have: {note}"
    )
    notes.find(warning("capability-in-part", message, mesh.position, "", mesh.ref))
