"""Extensions that are made for some versions of a mesh: refused where another one runs, so that what an upgrade makes
unsafe is neither changed nor removed unseen."""

from __future__ import annotations

from reconciler.compile.notes import Notes
from reconciler.compile.site import Site
from reconciler.model.extensions import Extension
from reconciler.model.findings import warning
from reconciler.model.versions import is_within

MESH_VERSIONS = "extension.meshVersions"


def is_made_for(extension: Extension, site: Site, notes: Notes) -> bool:
    """Whether an extension may be applied to what runs on a site; says so, and refuses where not."""
    if not extension.versions:
        return True
    running = site.mesh.version
    if is_within(running, extension.versions):
        notes.verdict(extension.ref, MESH_VERSIONS, "Native", "Applied", f"{running} is in {extension.versions}")
        return True
    runs = f"runs {running}" if running else "runs a version that is not known"
    message = f"{extension.ref} is made for versions {extension.versions}, and {site.document.ref.name} {runs}"
    hint = "see whether it works there, then change spec.meshVersions"
    finding = warning("version-outside", message, extension.position, hint, extension.ref)
    notes.refuse(extension.ref, [MESH_VERSIONS], finding)
    return False
